"""The words of the sheet `Troubleshooting`, in Indonesian and in English; part of the catalogue."""

from __future__ import annotations

TROUBLE_WORDS: dict[str, tuple[str, str]] = {
    "sheet_troubles": ("Troubleshooting", "Troubleshooting"),
    # what stands in cells and is counted
    "route_mandiri": ("mandiri", "alone"),
    "route_subbag_umum": ("Subbag Umum", "general affairs"),
    "route_pihak_ketiga": ("pihak ketiga", "third party"),
    "cause_server": ("server", "server"),
    "cause_disk": ("disk", "disk"),
    "cause_php": ("PHP", "PHP"),
    "cause_database": ("basis data", "database"),
    "cause_web_server": ("server web", "web server"),
    "cause_certificate": ("sertifikat", "certificate"),
    "cause_dns": ("DNS", "DNS"),
    "cause_network": ("jaringan", "network"),
    "cause_content": ("konten", "content"),
    "cause_security": ("keamanan", "security"),
    "cause_configuration": ("konfigurasi", "configuration"),
    "cause_power": ("listrik", "power"),
    "cause_provider": ("penyedia", "provider"),
    "cause_people": ("kelalaian", "people"),
    "cause_other": ("lainnya", "other"),
    "no_one_site": ("(bukan satu laman)", "(not one site)"),
    "party_unknown": ("(tidak dicatat)", "(not recorded)"),
    "by_all": ("semua", "all"),
    "by_route": ("jalur", "route"),
    "by_site": ("laman", "site"),
    "by_cause": ("penyebab", "cause"),
    "all_tickets": ("semua tiket", "all tickets"),
    "breach_late": ("terlambat", "late"),
    "breach_sent": ("tepat waktu", "in time"),
    "breach_runs": ("berjalan", "runs"),
    # remarks
    "reopened": ("dibuka kembali", "reopened"),
    "ticket_open_as_of": ("MASIH TERBUKA per {day}", "STILL OPEN as of {day}"),
    "ticket_open_at_end": ("MASIH TERBUKA pada akhir periode", "STILL OPEN at the end of the period"),
    "ticket_over": ("menit baku habis {due}", "standard minutes used up {due}"),
    "ticket_reopened": ("dibuka kembali {count} kali", "reopened {count} time(s)"),
    "ticket_paused": ("sedang dijeda", "paused"),
    "ticket_of_finding": ("dibuka oleh temuan", "opened by a finding"),
    "ticket_similar": ("mirip {names}", "like {names}"),
    "ticket_breach": ("kegagalan pelindungan data pribadi: lihat jam 3 × 24", "personal-data breach: see the 3 × 24 h"),
    "not_solved_yet": ("(belum diselesaikan)", "(not solved yet)"),
    "no_diagnosis": ("(tidak ada diagnosis)", "(no diagnosis)"),
    "diagnosis_nothing": ("tidak ditemukan penyebab pada laman", "nothing was found on the site"),
    "reopened_on": ("dibuka kembali {at}: {why}", "reopened {at}: {why}"),
    "paused_since": ("dijeda sejak {at}: {why}", "paused since {at}: {why}"),
    "paused_from": ("dijeda {at} s.d. {until}: {why}", "paused {at} to {until}: {why}"),
    # columns
    "col_ticket": ("Tiket", "Ticket"),
    "col_problem": ("Permasalahan", "Problem"),
    "col_reported": ("Dilaporkan", "Reported"),
    "col_solved": ("Diselesaikan", "Solved"),
    "col_route": ("Jalur", "Route"),
    "col_cause_kind": ("Jenis Penyebab", "Kind of Cause"),
    "col_response": ("Menit Respons", "Response Minutes"),
    "col_paused": ("Menit Jeda", "Paused Minutes"),
    "col_stood": ("Menit Semu", "Falsely Solved Minutes"),
    "col_occurrences": ("Kali Terlihat", "Times Seen"),
    "col_party": ("Pihak", "Party"),
    "col_breach_known": ("Diketahui", "Known Since"),
    "col_breach_due": ("Tenggat 3 × 24 Jam", "Due After 3 × 24 h"),
    "col_notified": ("Diberitahukan", "Notified"),
    "col_breach_state": ("Pemberitahuan", "Notice"),
    "col_by": ("Menurut", "By"),
    "col_group": ("Nama", "Name"),
    "col_tickets": ("Tiket", "Tickets"),
    "col_solved_count": ("Selesai", "Solved"),
    "col_open_count": ("Terbuka", "Open"),
    "col_over_count": ("Kotor Melewati Baku", "Gross Over Standard"),
    "col_mtta": ("MTTA Menit", "MTTA Minutes"),
    "col_mttr": ("MTTR Kotor Menit", "MTTR Gross Minutes"),
    "col_mttr_net": ("MTTR Bersih Menit", "MTTR Net Minutes"),
    "said_cause": ("Penyebab", "Cause"),
    "said_solution": ("Solusi", "Solution"),
    "said_prevention": ("Pencegahan", "Prevention"),
    "said_diagnosis": ("Diagnosis", "Diagnosis"),
    "said_pauses": ("Jeda dan alasannya", "Pauses and why"),
    # titles, notes, figures
    "title_troubles": ("Pemecahan masalah (troubleshooting)", "Troubleshooting"),
    "note_troubles": (
        "Tiket yang dilaporkan sebelum akhir periode dan belum selesai sebelum periode dimulai, keadaan per {as_of}. "
        "Menit kerja menurut kalender unit; waktu setempat. Semua angka ringkas adalah rumus.",
        "Tickets reported before the end of the period and not solved before it began, as of {as_of}. Working minutes "
        "on the unit's calendar; local time. All sums are formulas.",
    ),
    "nothing_troubles": (
        "Tidak ada permasalahan (tiket) dalam periode ini.",
        "There was no problem (ticket) in this period.",
    ),
    "tile_tickets": ("TIKET", "TICKETS"),
    "tile_solved": ("DISELESAIKAN", "SOLVED"),
    "tile_open_tickets": ("MASIH TERBUKA", "STILL OPEN"),
    "tile_over": ("MELEWATI MENIT BAKU", "OVER THE STANDARD"),
    "tile_mtta": ("RESPONS PERTAMA (MTTA, MENIT)", "FIRST RESPONSE (MTTA, MINUTES)"),
    "tile_mttr": ("SOLUSI (MTTR KOTOR, MENIT)", "SOLUTION (MTTR GROSS, MINUTES)"),
    "tickets_of": ("Tiket", "Tickets"),
    "note_tickets_from_input": (
        "Kotor = sejak dilaporkan sampai solusi terakhir; itulah yang diputus terhadap menit baku. Bersih = kotor "
        "− jeda − menit semu (sempat dianggap selesai, lalu dibuka kembali). Putusan terbuka: diputus pada periode ia "
        "diselesaikan.",
        "Gross = from the report to the last solution; the verdict is on it. Net = gross − pauses − minutes in which "
        "it stood as solved and was not. Verdict open: decided in the period in which it is solved.",
    ),
    "note_tickets_from_taken": (
        "Kotor = sejak dilaporkan sampai solusi terakhir; unit memilih putusan sejak tiket diambil. Bersih = kotor "
        "− jeda − menit semu (sempat dianggap selesai, lalu dibuka kembali). Putusan terbuka: diputus pada periode ia "
        "diselesaikan.",
        "Gross = from the report to the last solution; the unit chose the verdict to run from when it was taken. Net = "
        "gross − pauses − minutes in which it stood as solved and was not. Verdict open: decided in the period in "
        "which it is solved.",
    ),
    "routes_of": ("Menit kerja menurut jalur", "Working minutes by route"),
    "note_routes": (
        "Menit kotor semua jalur sebuah tiket berjumlah tepat menit kotor tiketnya.",
        "The gross minutes of all routes of a ticket add up exactly to those of the ticket.",
    ),
    "said_of": ("Penyebab, solusi, pencegahan, dan jeda", "Cause, solution, prevention and pauses"),
    "means_of": ("Rata-rata waktu respons (MTTA) dan solusi (MTTR)", "Mean time to answer (MTTA) and to solve (MTTR)"),
    "note_means": (
        "MTTA: tiket yang sudah direspons. MTTR dan jenis penyebab: tiket yang sudah diselesaikan. Jalur: yang "
        "terakhir.",
        "MTTA: tickets that were answered. MTTR and kind of cause: tickets that are solved. Route: the last one.",
    ),
    "breaches_of": (
        "Kegagalan pelindungan data pribadi: pemberitahuan tertulis 3 × 24 jam (UU 27/2022 pasal 46)",
        "Breaches of personal data: written notice within 3 × 24 h (UU 27/2022 art. 46)",
    ),
}
