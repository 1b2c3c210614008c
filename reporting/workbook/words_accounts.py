"""The words of the sheets `Penyimpangan` and `Evaluasi POS`, in Indonesian and in English; part of the catalogue."""

from __future__ import annotations

ACCOUNT_WORDS: dict[str, tuple[str, str]] = {
    "sheet_evaluation": ("Evaluasi POS", "POS Evaluation"),
    # deviations
    "col_account_due": ("Tenggat Akun", "Account Due"),
    "col_action_by": ("Dikerjakan Oleh", "Carried Out By"),
    "col_due": ("Sampai Tanggal", "Until"),
    "col_action_done": ("Sudah Selesai", "Done"),
    "col_accountant": ("Penanggung Jawab", "Accounted For By"),
    "col_proof": ("Bukti", "Evidence"),
    "col_decision": ("Keputusan Kasi SI", "Decision of Kasi SI"),
    "col_paraf": ("Paraf", "Initials"),
    "no_proof": ("tanpa berkas", "no file"),
    "decision_waits": ("menunggu keputusan", "waits for the decision"),
    "no_longer": (
        "TIDAK LAGI MENYIMPANG saat dihitung ulang; pertanggungjawabannya tetap disimpan.",
        "NO DEVIATION ANY MORE, computed again; its account is kept.",
    ),
    "note_deviations": (
        "Setiap penyimpangan wajib dipertanggungjawabkan oleh pelaksana (POS, Peringatan 2) paling lambat pada "
        "tanggal di "
        "kolom Tenggat Akun. Kolom kuning masih menunggu.",
        "Every deviation must be accounted for by its executor (POS, warning 2), by the day in column Account "
        "Due. What is "
        "yellow still waits.",
    ),
    "note_account": (
        "Isian berasal dari catatan (laman deviation account), keputusan Kasi SI juga (accept, return). Yang "
        "ditulis di "
        "berkas atau kertas ini saja belum tercatat.",
        "What is filled in comes from the record (laman deviation account), as do Kasi SI's decisions (accept, "
        "return). "
        "What is written only into this file or on this paper is not on record.",
    ),
    "earlier_of": ("Pertanggungjawaban atas periode sebelumnya", "Accounts of earlier periods"),
    "note_earlier": (
        "Penyimpangan periode sebelumnya yang belum diterima ketika periode itu ditutup (atau ketika periode ini "
        "dimulai), "
        "dengan keadaannya sekarang. Tidak ikut dihitung pada Ringkasan periode ini.",
        "Deviations of earlier periods that were not accepted when their period was closed (or when this one "
        "began), as "
        "they stand now. The summary of this period does not count them.",
    ),
    # the evaluation of PermenPAN-RB 35/2012
    "title_evaluation": (
        "Monitoring penerapan POS {name}",
        "Monitoring of how the POS {name} is applied",
    ),
    "note_evaluation": (
        "Formulir monitoring penerapan SOP menurut PermenPAN-RB 35/2012 (tabel 7); dilakukan setiap enam bulan. "
        "{period}. "
        "Diisi awal dari catatan: {executions} pelaksanaan, {deviations} penyimpangan. Penilai memeriksa, "
        "mengubah bila "
        "perlu, dan membubuhkan paraf.",
        "Form for monitoring the application of an SOP, PermenPAN-RB 35/2012 (table 7); done every six months. "
        "{period}. "
        "Pre-filled from the record: {executions} executions, {deviations} deviations. The assessor checks it, changes "
        "what has to be changed, and initials it.",
    ),
    "eval_no": ("No", "No"),
    "eval_procedure": ("Prosedur", "Procedure"),
    "eval_assessment": ("Penilaian terhadap penerapan", "Assessment of the application"),
    "eval_well": ("Berjalan dengan baik", "Runs well"),
    "eval_badly": ("Tidak berjalan dengan baik", "Does not run well"),
    "eval_note": ("Catatan hasil penilaian", "Notes on the assessment"),
    "eval_action": ("Tindakan yang harus diambil", "Action to be taken"),
    "eval_paraf": ("Paraf penilai", "Assessor's initials"),
    "eval_none": (
        "Tidak ada pelaksanaan dan tidak ada jadwal dalam periode ini; tidak dapat dinilai dari catatan.",
        "Not carried out and not due in this period; the record gives nothing to assess.",
    ),
    "eval_occasions": (
        "Jadwal: {occasions}; sesuai {kept}, menyimpang {deviating}, terlewat {missed}, berjalan {running}.",
        "Occasions: {occasions}; kept {kept}, deviating {deviating}, missed {missed}, under way {running}.",
    ),
    "eval_executions": (
        "Pelaksanaan: {executions}; sesuai {kept}, menyimpang {deviating}, menunggu {waiting}.",
        "Executions: {executions}; conform {kept}, deviate {deviating}, waiting {waiting}.",
    ),
    "eval_minutes": ("Rata-rata {mean} menit, baku {standard} menit.", "Mean {mean} minutes, standard {standard}."),
    "eval_reasons": ("Penyimpangan terbanyak:", "Most frequent deviations:"),
    "eval_missed": ("tidak dilaksanakan pada jadwal {days}", "not carried out in the windows of {days}"),
    "eval_over": ("melewati {standard} menit, terlama {longest}", "over {standard} minutes, longest {longest}"),
    "eval_and_more": ("{days}, …", "{days}, …"),
    "eval_reason": ("– {aspect}, {count} kali: {reason}", "– {aspect}, {count} time(s): {reason}"),
    "eval_more": ("– dan {count} lainnya (lembar Penyimpangan)", "– and {count} more (sheet Deviations)"),
    "eval_nothing_to_do": ("Dipertahankan.", "Keep it up."),
    "eval_act": ("– {action} ({by}, {until})", "– {action} ({by}, {until})"),
    "eval_until": ("paling lambat {day}", "by {day}"),
    "eval_done": ("selesai {day}", "done {day}"),
    "eval_lacking": (
        "{count} penyimpangan belum dipertanggungjawabkan: pelaksana menyebut tindakannya.",
        "{count} deviation(s) not accounted for: the executor names the action.",
    ),
    "eval_undecided": (
        "{count} pertanggungjawaban menunggu keputusan Kasi SI.",
        "{count} account(s) wait for Kasi SI's decision.",
    ),
    "eval_watch": ("Selesaikan yang masih menunggu.", "Finish what still waits."),
    "eval_assessor": ("Penilai,", "Assessor,"),
}
