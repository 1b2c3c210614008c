"""Every word that the workbook says, in Indonesian and in English. What came from outside is not here."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from reporting.kinds import kind_words
from reporting.workbook.words_accounts import ACCOUNT_WORDS
from reporting.workbook.words_backups import BACKUP_WORDS
from reporting.workbook.words_renewals import RENEWAL_WORDS
from reporting.workbook.words_troubles import TROUBLE_WORDS

Language = Literal["id", "en"]
_MONTHS = {
    "id": [
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_DAYS = {
    "id": ["Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"],
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}

CATALOGUE: dict[str, tuple[str, str]] = {
    **BACKUP_WORDS,
    **RENEWAL_WORDS,
    **TROUBLE_WORDS,
    **ACCOUNT_WORDS,
    # sheets
    "sheet_summary": ("Ringkasan", "Summary"),
    "sheet_standard": ("Mutu Baku", "Standard"),
    "sheet_executions": ("Pelaksanaan", "Executions"),
    "sheet_content": ("Konten", "Content"),
    "sheet_backup": ("Backup", "Backup"),
    "sheet_visitors": ("Aktivitas Pengunjung", "Visitor Activity"),
    "sheet_deviations": ("Penyimpangan", "Deviations"),
    "sheet_evidence": ("Bukti", "Evidence"),
    # verdicts, states, and what stands in drop-down lists: formulas look for these words
    "conforms": ("sesuai", "conforms"),
    "deviates": ("menyimpang", "deviates"),
    "waiting": ("menunggu", "waiting"),
    "missed": ("terlewat", "missed"),
    "open": ("terbuka", "open"),
    "yes": ("ya", "yes"),
    "no_word": ("tidak", "no"),
    "planned": ("terjadwal", "planned"),
    "ad_hoc": ("di luar jadwal", "ad hoc"),
    "account_none": ("belum dipertanggungjawabkan", "not accounted for"),
    "account_given": ("dipertanggungjawabkan", "accounted for"),
    "account_accepted": ("diterima", "accepted"),
    "account_returned": ("dikembalikan", "returned"),
    "aspect_requirement": ("perlengkapan", "requirement"),
    "aspect_time": ("waktu", "time"),
    "aspect_output": ("output", "output"),
    "aspect_schedule": ("jadwal", "schedule"),
    "section_fresh": ("mutakhir", "fresh"),
    "section_stale": ("usang", "stale"),
    "section_unknown": ("tidak diketahui", "unknown"),
    "section_unreachable": ("tidak terjangkau", "unreachable"),
    "nobody": ("(tidak ada pejabat)", "(nobody in office)"),
    # activities of the POS, short
    "activity_1": ("Pemantauan status konten", "Content status"),
    "activity_2": ("Backup sistem dan data", "Backup of system and data"),
    "activity_3": ("Pemantauan aktivitas pengunjung", "Visitor activity"),
    "activity_4": ("Pengajuan perpanjangan layanan", "Renewal: submission"),
    "activity_5": ("Persetujuan pengajuan", "Renewal: approval"),
    "activity_6": ("Pemenuhan pembayaran", "Renewal: payment"),
    "activity_7": ("Pelaporan status pengajuan", "Renewal: status report"),
    "activity_8": ("Pemecahan masalah", "Troubleshooting"),
    "short_1": ("Status konten", "Content status"),
    "short_2": ("Backup", "Backup"),
    "short_3": ("Aktivitas pengunjung", "Visitor activity"),
    "short_4": ("Pengajuan perpanjangan", "Renewal: submission"),
    "short_5": ("Persetujuan pengajuan", "Renewal: approval"),
    "short_6": ("Pembayaran", "Renewal: payment"),
    "short_7": ("Pelaporan pengajuan", "Renewal: report"),
    "short_8": ("Pemecahan masalah", "Troubleshooting"),
    # details of an execution
    "agent_person": ("orang", "person"),
    "agent_timer": ("pewaktu", "timer"),
    "agent_ci": ("CI", "CI"),
    "clock_elapsed": ("berjalan", "elapsed"),
    "clock_working": ("kerja", "working"),
    "by_hand": ("dikerjakan manual, dicatat {recorded}", "done by hand, recorded {recorded}"),
    "status_failed": ("gagal", "failed"),
    "status_unreachable": ("laman tidak terjangkau", "site unreachable"),
    "status_timed_out": ("dihentikan: melewati batas waktu", "ended: time limit passed"),
    "status_cancelled": ("dibatalkan", "cancelled"),
    "status_killed": ("terhenti paksa", "killed"),
    "status_running": ("masih berjalan", "still running"),
    "status_interrupted": ("terputus, akhir tidak tercatat", "interrupted, no end on record"),
    "not_obligatory": ("jadwal sebelum pengaturan berlaku", "window from before the settings were in force"),
    "decided_too": ("jadwal lain yang diputus oleh pelaksanaan ini", "another window that this execution decides"),
    "review_none": ("belum dibaca pelaksana", "not yet read by the executor"),
    # measures
    "method_rest": ("API CMS", "CMS API"),
    "method_feed": ("feed", "feed"),
    "method_sitemap": ("sitemap", "sitemap"),
    "method_page": ("halaman", "page"),
    "method_hash": ("sidik isi", "content hash"),
    "method_none": ("–", "–"),
    "severity_critical": ("kritis", "critical"),
    "severity_high": ("tinggi", "high"),
    "severity_medium": ("sedang", "medium"),
    "severity_low": ("rendah", "low"),
    "severity_info": ("info", "info"),
    "medium_hard_disk": ("hard disk", "hard disk"),
    "medium_optical_disc": ("CD/DVD", "CD/DVD"),
    "medium_other": ("lainnya", "other"),
    "part_tree": ("berkas situs", "site files"),
    "part_mariadb": ("basis data MariaDB", "MariaDB database"),
    "part_sqlite": ("basis data SQLite", "SQLite database"),
    "part_postgresql": ("basis data PostgreSQL", "PostgreSQL database"),
    "by_hand_set": ("dicatat dengan tangan", "recorded by hand"),
    "by_hand_part": ("berkas bukti", "evidence file"),
    "by_hand_no_file": ("(tidak ada berkas)", "(no file)"),
    "part_cpanel": ("arsip cPanel", "cPanel archive"),
    # columns
    "col_no": ("No", "No"),
    "col_activity": ("Kegiatan", "Activity"),
    "col_activity_name": ("Nama Kegiatan", "Activity Name"),
    "col_site": ("Laman", "Site"),
    "col_kind": ("Jenis", "Kind"),
    "col_opens": ("Jadwal Dibuka", "Window Opens"),
    "col_closes": ("Jadwal Ditutup", "Window Closes"),
    "col_attempt": ("Upaya ke", "Attempt"),
    "col_decides": ("Penentu Jadwal", "Decides Window"),
    "col_executor": ("Pelaksana", "Executor"),
    "col_nip": ("NIP", "NIP"),
    "col_agent": ("Petugas Input", "Agent"),
    "col_clock": ("Jenis Waktu", "Clock"),
    "col_started": ("Mulai", "Start"),
    "col_ended": ("Selesai", "End"),
    "col_minutes": ("Menit", "Minutes"),
    "col_standard_minutes": ("Baku Menit", "Standard Minutes"),
    "col_requirement": ("Perlengkapan", "Requirement"),
    "col_time": ("Waktu", "Time"),
    "col_output": ("Output", "Output"),
    "col_verdict": ("Putusan", "Verdict"),
    "col_reasons": ("Alasan", "Reasons"),
    "col_findings": ("Temuan", "Findings"),
    "col_review": ("Paraf Pelaksana", "Review"),
    "col_execution": ("ID Pelaksanaan", "Execution ID"),
    "col_remark": ("KET.", "Remark"),
    "col_section": ("Bagian", "Section"),
    "col_owner": ("Penanggung Jawab", "Owner"),
    "col_state": ("Status", "State"),
    "col_age_days": ("Umur Hari", "Age Days"),
    "col_limit_days": ("Batas Hari", "Limit Days"),
    "col_updated_at": ("Terakhir Diperbarui", "Last Updated"),
    "col_method": ("Cara Diketahui", "Method"),
    "col_http_status": ("HTTP", "HTTP"),
    "col_response_ms": ("Respons ms", "Response ms"),
    "col_tls_expires_at": ("TLS Berlaku s.d.", "TLS Valid To"),
    "col_checked": ("Diperiksa", "Checked"),
    "col_checks": ("Kali Cek", "Times Checked"),
    "col_times_stale": ("Kali Usang", "Times Stale"),
    "col_reason": ("Alasan", "Reason"),
    "col_title": ("Temuan", "Finding"),
    "col_finding_kind": ("Jenis", "Kind"),
    "col_severity": ("Tingkat", "Severity"),
    "col_count": ("Jumlah", "Count"),
    "col_executions": ("Kali Cek", "Runs"),
    "col_last_seen": ("Terakhir Terlihat", "Last Seen"),
    "col_finished": ("Selesai", "Finished"),
    "col_backup_set": ("Set Backup", "Backup Set"),
    "col_part": ("Bagian", "Part"),
    "col_part_kind": ("Jenis", "Kind"),
    "col_medium": ("Media", "Medium"),
    "col_medium_kind": ("Jenis Media", "Medium Kind"),
    "col_source_bytes": ("Byte Sumber", "Source Bytes"),
    "col_stored_bytes": ("Byte Tersimpan", "Stored Bytes"),
    "col_members": ("Berkas atau Tabel", "Files or Tables"),
    "col_seconds": ("Detik", "Seconds"),
    "col_verified": ("Cara Verifikasi", "Verified How"),
    "col_sha256": ("SHA-256", "SHA-256"),
    "col_path": ("Jalur", "Path"),
    "col_log_span": ("Rentang Log", "Log Span"),
    "col_files": ("Berkas", "Files"),
    "col_lines": ("Baris", "Lines"),
    "col_parsed": ("Terbaca", "Parsed"),
    "col_rejected": ("Ditolak", "Rejected"),
    "col_collected": ("Byte Terkumpul", "Bytes Collected"),
    "col_suspicious": ("Kelas Mencurigakan", "Suspicious Class"),
    "col_hits": ("Permintaan", "Hits"),
    "col_clients": ("Alamat Klien", "Clients"),
    "col_evidence_bytes": ("Byte Bukti", "Evidence Bytes"),
    "col_day": ("Tanggal", "Day"),
    "col_weekday": ("Hari", "Weekday"),
    "col_visitors": ("Pengunjung", "Visitors"),
    "col_bytes": ("Byte", "Bytes"),
    "col_status_2xx": ("Status 2xx", "Status 2xx"),
    "col_status_3xx": ("Status 3xx", "Status 3xx"),
    "col_status_4xx": ("Status 4xx", "Status 4xx"),
    "col_status_5xx": ("Status 5xx", "Status 5xx"),
    "col_status_other": ("Status Lain", "Status Other"),
    "col_at": ("Tanggal", "Date"),
    "col_aspect": ("Aspek", "Aspect"),
    "col_account": ("Status Tanggung Jawab", "Account"),
    "col_cause": ("Penyebab", "Cause"),
    "col_effect": ("Akibat", "Effect"),
    "col_remedy": ("Tindakan Perbaikan", "Remedy"),
    "col_deviation": ("ID Penyimpangan", "Deviation ID"),
    # the summary
    "title_summary": ("RINGKASAN PELAKSANAAN POS {name}", "SUMMARY OF CARRYING OUT THE POS: {name}"),
    "subtitle_summary": (
        "POS {number}  ·  {period}  ·  keadaan per {as_of}",
        "POS {number}  ·  {period}  ·  as of {as_of}",
    ),
    "period_of": ("Periode {first} s.d. {last}", "Period {first} to {last}"),
    "tile_share": ("KEPATUHAN JADWAL", "SCHEDULE COMPLIANCE"),
    "tile_planned": ("JADWAL", "OCCASIONS"),
    "tile_executions": ("PELAKSANAAN", "EXECUTIONS"),
    "tile_missed": ("TERLEWAT", "MISSED"),
    "tile_open": ("BELUM DIPERTANGGUNGJAWABKAN", "NOT ACCOUNTED FOR"),
    "tile_findings": ("TEMUAN", "FINDINGS"),
    "tile_last_backup": ("BACKUP SESUAI TERAKHIR", "LAST CONFORMING BACKUP"),
    "tile_stored": ("BACKUP TERSIMPAN", "BACKUP STORED"),
    "tile_fresh": ("KONTEN MUTAKHIR", "FRESH CONTENT"),
    "tile_hits": ("PERMINTAAN PENGUNJUNG", "VISITORS' HITS"),
    "tile_suspicious": ("MENCURIGAKAN (PER KELAS)", "SUSPICIOUS (PER CLASS)"),
    "tile_files": ("BERKAS BUKTI", "EVIDENCE FILES"),
    "say_decided": (
        "Dari {decided} jadwal yang sudah diputus, {kept} sesuai POS, {deviating} menyimpang, dan {missed} terlewat.",
        "Of {decided} occasions decided, {kept} conform to the POS, {deviating} deviate and {missed} were missed.",
    ),
    "say_nothing": (
        "Belum ada jadwal yang diputus dalam periode ini.",
        "No occasion has been decided in this period yet.",
    ),
    "say_unplanned": (
        "Di luar jadwal (kegiatan 4–8): {done} pelaksanaan, {kept} sesuai dan {deviating} menyimpang.",
        "Without a schedule (activities 4–8): {done} executions, {kept} conform and {deviating} deviate.",
    ),
    "say_account": (
        "Masih ada {open} penyimpangan yang wajib dipertanggungjawabkan oleh pelaksana (POS, Peringatan 2).",
        "{open} deviations still have to be accounted for by their executors (POS, warning 2).",
    ),
    "say_no_account": (
        "Tidak ada penyimpangan yang menunggu pertanggungjawaban.",
        "No deviation is waiting for an account.",
    ),
    "group_occasions": ("JADWAL", "OCCASIONS"),
    "group_executions": ("PELAKSANAAN", "EXECUTIONS"),
    "group_minutes": ("WAKTU (MENIT)", "TIME (MINUTES)"),
    "planned_count": ("Terjadwal", "Planned"),
    "conforms_count": ("Sesuai", "Conform"),
    "deviates_count": ("Menyimpang", "Deviate"),
    "missed_count": ("Terlewat", "Missed"),
    "running_count": ("Berjalan", "Under way"),
    "executions_count": ("Jumlah", "Number"),
    "waiting_count": ("Menunggu", "Waiting"),
    "ad_hoc_count": ("Di luar jadwal", "Ad hoc"),
    "mean_minutes": ("Rata-rata", "Mean"),
    "max_minutes": ("Terlama", "Longest"),
    "standard_minutes": ("Baku", "Standard"),
    "share": ("Kepatuhan", "Compliance"),
    "deviations_count": ("Penyimpangan", "Deviations"),
    "open_count": ("Belum dipertanggungjawabkan", "Not accounted for"),
    "total": ("Jumlah", "Total"),
    "no_execution": ("belum ada pelaksanaan", "not carried out yet"),
    "note_summary": (
        "Kepatuhan = sesuai ÷ yang sudah diputus (jadwal; tanpa jadwal: pelaksanaan). Putusan menyimpang = ada "
        "penyimpangan, juga bila upaya ulang menepati jadwal dan Kepatuhan 100 %. Temuan bukan penyimpangan. Angka = "
        "rumus atas lembar lain.",
        "Compliance = conform ÷ decided (occasions; where nothing is planned: executions). Verdict deviates = there is "
        "a deviation, also where a retry kept the occasion and compliance is 100 %. A finding is no deviation. Figures "
        "= formulas over the other sheets.",
    ),
    "aspects_of": ("Penyimpangan menurut aspek mutu baku", "Deviations by aspect of the standard"),
    "aspect_means": ("Arti", "Meaning"),
    "means_requirement": (
        "yang harus tersedia (kolom Persyaratan / Kelengkapan) tidak tersedia saat dilaksanakan",
        "what had to be at hand (column Persyaratan / Kelengkapan) was not, when it was carried out",
    ),
    "means_time": (
        "pelaksanaan melebihi menit baku (kolom Waktu)",
        "carrying it out took longer than the standard (column Waktu)",
    ),
    "means_output": (
        "keluaran (kolom Output) tidak ada, tidak utuh, atau tidak dibaca pelaksana pada waktunya",
        "the output (column Output) was missing, not whole, or not read by its executor in time",
    ),
    "means_schedule": (
        "jadwal berkala berakhir tanpa pelaksanaan yang utuh",
        "a periodic window closed without a whole execution",
    ),
    "open_of": ("Penyimpangan yang belum dipertanggungjawabkan", "Deviations not accounted for"),
    "nothing_open": ("Tidak ada.", "None."),
    "all_listed": ("Semua tercantum di atas.", "All of them are listed above."),
    "more_open": (
        "… dan {more} penyimpangan lain: lihat lembar Penyimpangan.",
        "… and {more} more deviations: see sheet Deviations.",
    ),
    "chart_occasions": ("Jadwal menurut hasil", "Occasions by outcome"),
    "chart_aspects": ("Penyimpangan menurut aspek", "Deviations by aspect"),
    "chart_visits": ("Permintaan pengunjung per hari", "Visitors' hits per day"),
    "executed_by": ("Pelaksana,", "Carried out by,"),
    "acknowledged": ("Mengetahui,", "Acknowledged,"),
    "unsigned": ("(belum ditetapkan)", "(not appointed)"),
    "anchor": (
        "Dicetak {issued} dari catatan {unit}. Ujung rantai catatan (ledger): peristiwa nomor {seq}, dengan "
        "sidik SHA-256:",
        "Issued {issued} from the record of {unit}. End of the ledger's chain: event number {seq}, with SHA-256:",
    ),
    # titles and notes of the other sheets
    "title_standard": ("Mutu Baku — POS {number}", "Standard — POS {number}"),
    "pos_number": ("Nomor POS", "Nomor POS (number)"),
    "pos_created": ("Tanggal Pembuatan", "Tanggal Pembuatan (created)"),
    "pos_revised": ("Tanggal Revisi", "Tanggal Revisi (revised)"),
    "pos_effective": ("Tanggal Efektif", "Tanggal Efektif (effective)"),
    "pos_approved": ("Disahkan Oleh", "Disahkan Oleh (approved by)"),
    "pos_name": ("Nama POS", "Nama POS (name)"),
    "pos_legal": ("Dasar Hukum :", "Dasar Hukum (legal basis) :"),
    "pos_qualifications": ("Kualifikasi Pelaksana :", "Kualifikasi Pelaksana (qualifications) :"),
    "pos_related": ("Keterkaitan :", "Keterkaitan (related POS) :"),
    "pos_equipment": ("Peralatan/Perlengkapan :", "Peralatan/Perlengkapan (equipment) :"),
    "pos_warnings": ("Peringatan :", "Peringatan (warnings) :"),
    "pos_records": ("Pencatatan dan Pendataan :", "Pencatatan dan Pendataan (record-keeping) :"),
    "pos_table_of": ("POS {name}", "POS {name}"),
    "pos_no": ("NO.", "NO."),
    "pos_activity": ("KEGIATAN", "KEGIATAN (activity)"),
    "pos_actors": ("PELAKSANA", "PELAKSANA (actors)"),
    "pos_quality": ("MUTU BAKU", "MUTU BAKU (standard)"),
    "pos_requirement": ("Persyaratan / Kelengkapan", "Persyaratan / Kelengkapan (requirement)"),
    "pos_time": ("Waktu", "Waktu (time)"),
    "pos_output": ("Output", "Output"),
    "pos_remark": ("KET.", "KET. (remark)"),
    "pos_marks_note": (
        "Tanda ● menunjukkan pelaksana menurut penetapan unit; naskah POS yang tersimpan tidak memuat tanda "
        "pada kolom PELAKSANA.",
        "● marks the actor whom the unit has assigned; the text of the POS that survives has no marks in the "
        "columns PELAKSANA.",
    ),
    "title_executions": ("Pelaksanaan", "Executions"),
    "note_executions_1": (
        "Satu baris untuk setiap pelaksanaan, dan satu untuk setiap jadwal yang terlewat, terbuka, atau bertindih.",
        "One row for each execution, and one for each occasion that was missed, is still open, or overlaps another.",
    ),
    "note_executions_2": (
        "Putusan = perlengkapan, waktu, dan output semuanya sesuai. Ringkasan menghitung dari kolom "
        "Putusan dan Penentu Jadwal; penyelesaian yang dibuka kembali tidak dihitung. Waktu setempat.",
        "Verdict = requirement, time and output all conform. The summary counts over Verdict and Decides "
        "Window, without solutions that were reopened. Local time.",
    ),
    "title_content": ("Konten — kemutakhiran setiap bagian", "Content — freshness of each section"),
    "note_content": (
        "Keadaan pada pemeriksaan terakhir dalam periode; waktu setempat.",
        "As the last check of the period found it; local time.",
    ),
    "nothing_content": ("Tidak ada pemeriksaan konten dalam periode ini.", "No content was checked in this period."),
    "findings_of": ("Temuan", "Findings"),
    "note_findings": (
        "Sebab yang sama pada laman yang sama ditulis sekali. Temuan bukan penyimpangan.",
        "The same cause on the same site is written once. A finding is no deviation.",
    ),
    "nothing_findings": ("Tidak ada temuan dalam periode ini.", "Nothing was found in this period."),
    "title_backup": ("Backup — setiap bagian dari setiap set", "Backup — each part of each set"),
    "note_backup": (
        "Jalur dihitung dari titik kait media. Output dan Putusan adalah milik pelaksanaannya; Ringkasan menjumlah "
        "Byte Tersimpan hanya dari pelaksanaan yang Output-nya sesuai.",
        "Paths start at the medium's mount point. Output and verdict are those of its execution; the summary adds up "
        "Stored Bytes only where the output conforms.",
    ),
    "note_backup_by_hand": (
        "Yang dicatat dengan tangan: Byte Bukti, SHA-256, dan Jalur adalah milik berkas bukti dalam arsip; "
        "di mana backup itu disimpan tertulis pada kolom KET.",
        "What was recorded by hand: Evidence Bytes, SHA-256 and Path are those of the evidence in the archive; "
        "where the backup itself is kept stands in column Remark.",
    ),
    "nothing_backup": ("Tidak ada backup dalam periode ini.", "Nothing was backed up in this period."),
    "note_by_hand": (
        "Dicatat dengan tangan, tanpa ukuran: {count} pelaksanaan; lihat lembar Pelaksanaan dan Bukti.",
        "Recorded by hand, without measures: {count} execution(s); see sheets Executions and Evidence.",
    ),
    "title_visitors": ("Aktivitas Pengunjung", "Visitor Activity"),
    "note_visitors": (
        "Log yang dikumpulkan. Setiap baris dihitung: terbaca + ditolak = baris.",
        "The logs that were collected. Every line is accounted for: parsed + rejected = lines.",
    ),
    "nothing_visitors": ("Tidak ada log yang dikumpulkan dalam periode ini.", "No log was collected in this period."),
    "suspicious_of": ("Aktivitas mencurigakan", "Suspicious activity"),
    "note_suspicious": (
        "Satu permintaan dapat masuk beberapa kelas dan terhitung pada tiap kelas. Alamat klien dijumlahkan per "
        "pengambilan log: alamat yang sama pada dua pengambilan terhitung dua kali.",
        "A request can belong to several classes, and counts in each. Clients are summed over collections: an address "
        "that is in two of them counts twice.",
    ),
    "nothing_suspicious": ("Tidak ada yang mencurigakan.", "Nothing suspicious."),
    "paths_of": ("Halaman paling banyak diminta", "What was asked for most"),
    "note_paths": (
        "20 teratas per laman; selengkapnya dalam berkas bukti.",
        "The top 20 per site; all of them are in the evidence.",
    ),
    "nothing_paths": ("Tidak ada.", "None."),
    "daily_of": ("Jumlah per hari dalam periode", "Totals per day of the period"),
    "note_daily": ("Rumus atas tabel di bawahnya.", "Formulas over the table below."),
    "traffic_of": ("Per hari dan laman", "Per day and site"),
    "note_traffic": (
        "Semua hari yang ada dalam log, juga di luar periode. Pengunjung dijumlahkan per pengambilan log.",
        "All days of the logs, those outside of the period too. Visitors are summed over collections.",
    ),
    "nothing_traffic": ("Tidak ada.", "None."),
    "title_deviations": ("Penyimpangan", "Deviations"),
    "nothing_deviations": ("Tidak ada penyimpangan dalam periode ini.", "There is no deviation in this period."),
    "title_evidence": ("Bukti", "Evidence"),
    "note_evidence": (
        "Jalur dihitung dari folder arsip. Periksa dengan: sha256sum, atau laman verify.",
        "Paths start at the archive's folder. Check with sha256sum, or laman verify.",
    ),
    "nothing_evidence": ("Tidak ada berkas bukti dalam periode ini.", "There is no evidence file in this period."),
    "note_head": (
        "Ujung rantai catatan (ledger) saat dicetak: peristiwa nomor {seq}, dengan sidik SHA-256:",
        "End of the ledger's chain when this was issued: event number {seq}, with SHA-256:",
    ),
    "problems": ("Peristiwa dalam catatan yang tidak dapat dipasangkan", "Events of the record that fit nothing"),
    "choose_title": ("Isian tidak dikenal", "Unknown entry"),
    "choose_message": ("Pilih salah satu: {choices}", "Choose one of: {choices}"),
    "choose_date": ("Isi dengan tanggal.", "Enter a date."),
    "page_of": ("&8Halaman &P dari &N", "&8Page &P of &N"),
    "caption": ("{unit} — POS {number} — {period}", "{unit} — POS {number} — {period}"),
    "doc_title": ("Laporan pelaksanaan POS {number}, {period}", "Report on carrying out POS {number}, {period}"),
    "doc_comment": ("Ujung ledger: {seq} {hash}", "Ledger head: {seq} {hash}"),
}


class Words:
    """The catalogue in one language."""

    def __init__(self, lang: Language) -> None:
        self.lang: Language = lang
        self._place = 1 if lang == "en" else 0

    def __call__(self, key: str, **values: object) -> str:
        """The words under `key`, with `values` put in; KeyError when the catalogue has no such key."""
        text = CATALOGUE[key][self._place]
        return text.format(**values) if values else text

    def kind(self, slug: str) -> str:
        """A kind of finding, or a class of suspicion, as people say it."""
        return kind_words(slug, self.lang)

    def date(self, day: dt.date) -> str:
        """A day in words: 4 Desember 2017."""
        return f"{day.day} {_MONTHS[self.lang][day.month - 1]} {day.year}"

    def month(self, day: dt.date) -> str:
        """A month in words: Desember 2017."""
        return f"{_MONTHS[self.lang][day.month - 1]} {day.year}"

    def moment(self, moment: dt.date) -> str:
        """A wall-clock moment in words: 4 Desember 2017 pukul 08.30."""
        if not isinstance(moment, dt.datetime):
            return self.date(moment)
        return f"{self.date(moment)}{f' pukul {moment:%H.%M}' if self.lang == 'id' else f', {moment:%H:%M}'}"

    def weekday(self, day: dt.date) -> str:
        """The name of a day of the week."""
        return _DAYS[self.lang][day.weekday()]
