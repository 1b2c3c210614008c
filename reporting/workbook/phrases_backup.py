"""What the engines of backups say in English, in the words of management; see `phrases`, which merges them.

Media, sets, trees, databases, cPanel accounts, and the settings that a backup refuses.
"""

from __future__ import annotations

BACKUP_PHRASES: dict[str, str] = {
    # the backup medium
    "declared folder (stands in for a medium)": "folder yang dinyatakan sebagai pengganti media",
    ", label file found, written to, {} free, {} needed": ", berkas label ada, dapat ditulisi, {} bebas, {} diperlukan",
    "medium {} at ": "media {} di ",
    "medium {} is gone: ": "media {} hilang: ",
    "medium {}: ": "media {}: ",
    " is not the same mount as at the start: it was unmounted, pulled out or exchanged in mid-run": (
        " bukan lagi kaitan yang sama seperti pada awal: dilepas, dicabut, atau ditukar di tengah pelaksanaan"
    ),
    " holds another filesystem than at the start": " berisi sistem berkas lain daripada pada awal",
    "path {} is not absolute": "jalur {} tidak mutlak",
    " is no folder": " bukan folder",
    " is not mounted: only the empty folder is there. Connect and mount the medium": (
        " tidak terpasang: hanya ada folder kosong. Sambungkan dan kaitkan media"
    ),
    "findmnt is not installed (package util-linux): the mount cannot be proven": (
        "findmnt tidak terpasang (paket util-linux): kaitan media tidak dapat dibuktikan"
    ),
    "findmnt gave no answer about {} within 30 seconds: the device hangs": (
        "findmnt tidak menjawab tentang {} dalam 30 detik: perangkat macet"
    ),
    "the filesystem {} of {} cannot be read, {} is expected": ("{} sistem berkas {} tidak dapat dibaca, seharusnya {}"),
    "the wrong medium is mounted at {}: {}, expected {}. Take it out, plug in and mount ": (
        "media yang salah terpasang di {}: {}, seharusnya {}. Keluarkan, lalu sambungkan dan kaitkan "
    ),
    "the wrong medium is at {}: {} says id {}, expected {}. Take it out, plug in and mount ": (
        "media yang salah di {}: {} menyebut id {}, seharusnya {}. Keluarkan, lalu sambungkan dan kaitkan "
    ),
    " is formatted with {} (FAT32), which holds no file above {}; {} had {} last time. Format it with ext4 or exFAT": (
        " diformat dengan {} (FAT32), yang tidak memuat berkas di atas {}; {} berukuran {} terakhir kali. "
        "Format dengan ext4 atau exFAT"
    ),
    " is a bind mount of the system's own disk ({}), not a medium": (
        " adalah bind mount dari disk sistem sendiri ({}), bukan media"
    ),
    " carries no {}: ": " tidak memuat {}: ",
    "if it is the right medium, write {} into ": "bila medianya benar, tulis {} ke dalam ",
    " is too full: {} free, {} needed. Remove old sets or use a larger medium": (
        " terlalu penuh: {} bebas, {} diperlukan. Hapus set lama atau pakai media yang lebih besar"
    ),
    " has no inodes left ({}): it holds too many files": " kehabisan inode ({}): terlalu banyak berkas",
    " is full (quota)": " penuh (kuota)",
    " is full": " penuh",
    " is read-only: remount it writable, or look at its lock switch and at the kernel's messages": (
        " hanya dapat dibaca: kaitkan ulang agar dapat ditulisi, atau periksa sakelar kunci dan pesan kernel"
    ),
    " gives input/output errors: the medium or its cable is broken, or it was pulled out": (
        " galat masukan/keluaran: media atau kabelnya rusak, atau dicabut"
    ),
    " is not there: plug in and mount the medium": " tidak ada: sambungkan dan kaitkan media",
    " is not there": " tidak ada",
    " may not be written by this account": " tidak boleh ditulisi akun ini",
    " is gone (no such device)": " hilang (perangkat tidak ada)",
    " cannot hold a file of that size (FAT32 ends at 4 GiB): format it with ext4 or exFAT": (
        " tidak muat berkas sebesar itu (FAT32 hanya sampai 4 GiB): format dengan ext4 atau exFAT"
    ),
    " failed: ": " gagal: ",
    # the backup set
    "nothing could be saved: no set was made": "tidak ada yang dapat disimpan: set tidak dibuat",
    "no set was made: the medium gave back something else than was written: ": (
        "set tidak dibuat: media mengembalikan isi yang berbeda dari yang ditulis: "
    ),
    "no set was made: ": "set tidak dibuat: ",
    "nothing was saved: the host stopped answering: ": "tidak ada yang disimpan: host berhenti menjawab: ",
    ": the connection to the host broke while it was read: ": ": sambungan ke host terputus saat dibaca: ",
    ": not saved, see the requirement database_access": ": tidak disimpan, lihat perlengkapan akses basis data",
    ": not saved: ": ": tidak disimpan: ",
    ": and {n} more, all of them in the set's MANIFEST.json": ": dan {} lagi, semuanya dalam MANIFEST.json set itu",
    "and {n} more problems: see the set's MANIFEST.json": "dan {} masalah lagi: lihat MANIFEST.json set itu",
    "and {n} more": "dan {} lagi",
    " exists already: a set is never overwritten": " sudah ada: set tidak pernah ditimpa",
    "site {}: expected lower case letters, digits, '_', '.', '-' (it names a folder)": (
        "laman {}: seharusnya huruf kecil, angka, '_', '.', '-' (menjadi nama folder)"
    ),
    ": a symbolic link on it points elsewhere": ": tautan simbolik padanya menunjuk ke tempat lain",
    "another backup of {} is writing to {}: wait for its end": (
        "backup lain dari {} sedang menulis ke {}: tunggu sampai selesai"
    ),
    ": does not agree with the archive at member ": ": tidak cocok dengan arsip pada anggota ",
    ": its members are not those that were written": ": anggotanya bukan yang ditulis",
    ": not what was written": ": bukan yang ditulis",
    ": read back {n} bytes with SHA-256 {}, written were {n} with ": (
        ": terbaca kembali {} byte dengan SHA-256 {}, yang ditulis {} dengan "
    ),
    ": decompresses to {n} bytes, {n} went in, or they differ": (
        ": terbuka menjadi {} byte, masuk {}, atau isinya berbeda"
    ),
    ": does not decompress when read back: ": ": tidak dapat dibuka saat dibaca kembali: ",
    "the archive is empty": "arsip kosong",
    "a sparse file at byte {n}: not read": "berkas jarang pada byte {}: tidak dibaca",
    "a damaged pax header at byte ": "kepala pax rusak pada byte ",
    "{n} bytes behind the end of the archive are no whole block": "{} byte di belakang akhir arsip bukan blok utuh",
    "the stream stops after {n} bytes without the end-of-archive blocks: it was cut": (
        "aliran berhenti setelah {} byte tanpa blok akhir arsip: terpotong"
    ),
    "a header of {n} bytes at byte {n}: no tar writes that": "kepala {} byte pada byte {}: bukan dari tar",
    "member {} has the unknown type {} (sparse files are not read)": (
        "anggota {} berjenis tak dikenal {} (berkas jarang tidak dibaca)"
    ),
    "member {}: names must be plain paths below the tree": "anggota {}: nama harus jalur biasa di bawah pohon",
    "member {} is outside of the tree ": "anggota {} di luar pohon ",
    "member {} comes twice": "anggota {} muncul dua kali",
    "member {} lies behind a symbolic link": "anggota {} di balik tautan simbolik",
    "no tar header at byte {n} (checksum)": "tidak ada kepala tar pada byte {} (checksum)",
    "no tar header at byte {n} (field ": "tidak ada kepala tar pada byte {} (isian ",
    "a global header at byte {n} that renames members": "kepala global pada byte {} yang mengganti nama anggota",
    "data behind the end of the archive at byte ": "data di belakang akhir arsip pada byte ",
    "hard link {} to {}, which did not come before": "tautan keras {} ke {}, yang tidak muncul sebelumnya",
    "a single block of zeros at byte {n}: damaged": "satu blok nol pada byte {}: rusak",
    "what came is no dump: it does not start with '-- MariaDB dump' or '-- MySQL dump'": (
        "yang datang bukan dump: tidak diawali '-- MariaDB dump' atau '-- MySQL dump'"
    ),
    "the dump stops after {n} bytes without '-- Dump completed': it was cut": (
        "dump berhenti setelah {} byte tanpa '-- Dump completed': terpotong"
    ),
    "{n} tables are not in the dump: ": "{} tabel tidak ada dalam dump: ",
    "what came is no dump of sqlite3: it has no BEGIN TRANSACTION": (
        "yang datang bukan dump sqlite3: tanpa BEGIN TRANSACTION"
    ),
    "the dump stops after {n} bytes without COMMIT: it was cut, or has errors": (
        "dump berhenti setelah {} byte tanpa COMMIT: terpotong, atau mengandung galat"
    ),
    "the dump ended with exit code {n}: ": "dump berakhir dengan kode keluar {}: ",
    "changed while it was read {n} times": "berubah saat dibaca, {} kali",
    "changed while it was read": "berubah saat dibaca",
    ": could not be read: ": ": tidak dapat dibaca: ",
    ": the host's tar knows no --exclude (busybox): take the excludes away, or install GNU tar there": (
        ": tar pada host tidak mengenal --exclude (busybox): hapus pengecualian, atau pasang GNU tar di sana"
    ),
    "tar is not installed on the host": "tar tidak terpasang pada host",
    "no such folder on the host, or the account may not enter it": (
        "folder itu tidak ada pada host, atau akun tidak boleh memasukinya"
    ),
    ": tar ended with exit code {n} and said nothing": ": tar berakhir dengan kode keluar {} tanpa pesan",
    ": holds no file at all: is it the right folder?": ": tidak berisi satu berkas pun: apakah foldernya benar?",
    "read back from the medium past the page cache ({}): SHA-256 equal, every member equal": (
        "dibaca kembali dari media tanpa melalui cache memori ({}): SHA-256 sama, setiap anggota sama"
    ),
    ": does not agree with what was written": ": tidak cocok dengan yang ditulis",
    "a frame decompresses to {n} bytes instead of {n}": "satu bingkai terbuka menjadi {} byte, bukan {}",
    # databases
    "database {}: table {} has {n} rows by its own count, {n} came: it is damaged (CHECK TABLE, REPAIR TABLE)": (
        "basis data {}: tabel {} menurut hitungannya sendiri {} baris, yang datang {}: tabel itu rusak "
        "(CHECK TABLE, REPAIR TABLE)"
    ),
    "database {} has no table in its dump: is it the right one?": (
        "basis data {} tanpa tabel dalam dump-nya: apakah sudah benar?"
    ),
    "the server shows no database to this account": "server tidak menampilkan satu pun basis data kepada akun ini",
    "psql and pg_dump (the client) are not installed on the host": (
        "psql dan pg_dump (klien) tidak terpasang pada host"
    ),
    "the account cannot log in from this system account (peer)": "akun tidak dapat login dari akun sistem ini (peer)",
    "a password is needed, and none is set": "kata sandi diperlukan, tetapi tidak diisi",
    "no such database or account": "basis data atau akun itu tidak ada",
    "the server does not answer (is it running, is the socket right?)": (
        "server tidak menjawab (apakah berjalan, apakah soketnya benar?)"
    ),
    "the server admits no such account from there (pg_hba.conf)": (
        "server tidak menerima akun itu dari sana (pg_hba.conf)"
    ),
    "the server's answer is not what psql prints: ": "jawaban server bukan keluaran psql: ",
    "what came is no dump: it does not start with '-- PostgreSQL database dump'": (
        "yang datang bukan dump: tidak diawali '-- PostgreSQL database dump'"
    ),
    "the dump stops after {n} bytes without '-- PostgreSQL database dump complete'": (
        "dump berhenti setelah {} byte tanpa '-- PostgreSQL database dump complete'"
    ),
    "wrong user or password": "pengguna atau kata sandi salah",
    "the account cannot log in with a password (unix_socket)": (
        "akun tidak dapat login dengan kata sandi (unix_socket)"
    ),
    "the account may not use this database": "akun tidak boleh memakai basis data ini",
    "no such database": "basis data itu tidak ada",
    "the server does not answer (is it running, is the socket or host right?)": (
        "server tidak menjawab (apakah berjalan, apakah soket atau host benar?)"
    ),
    "the server does not answer (is it running, is the host and port right?)": (
        "server tidak menjawab (apakah berjalan, apakah host dan port benar?)"
    ),
    "unknown database host": "host basis data tidak dikenal",
    "neither mariadb nor mysql (the client) is installed on the host": (
        "mariadb maupun mysql (klien) tidak terpasang pada host"
    ),
    "cannot be asked": "tidak dapat ditanyai",
    "answered: ": "menjawab: ",
    "database option {} holds a zero byte": "opsi basis data {} memuat byte nol",
    "database {}: ": "basis data {}: ",
    "database {} has no table: is it the right one?": "basis data {} tanpa tabel: apakah sudah benar?",
    ": all of its {n} tables are empty": ": semua ({}) tabelnya kosong",
    ": not in the dump: ": ": tidak ada dalam dump: ",
    ": is no SQLite file (or an encrypted one)": ": bukan berkas SQLite (atau tersandi)",
    "sqlite3 (the shell) is not installed on the host, so its file cannot be read consistently": (
        "sqlite3 (shell) tidak terpasang pada host, jadi berkasnya tidak dapat dibaca secara konsisten"
    ),
    "no such file on the host, or the account may not read it": (
        "berkas itu tidak ada pada host, atau akun tidak boleh membacanya"
    ),
    "the SQLite database is damaged: ": "basis data SQLite rusak: ",
    "unable to open database file": "berkas basis data tidak dapat dibuka",
    "account {} may not read the body of routine {}: its dump lacks it": (
        "akun {} tidak boleh membaca isi rutin {}: dump tidak memuatnya"
    ),
    "account {} lacks the privilege {} on {}: ": "akun {} tidak memiliki hak {} atas {}: ",
    ". Remedy: GRANT ": ". Perbaikan: GRANT ",
    "tables without a grant of their own are invisible to it": "tabel tanpa hak tersendiri tidak terlihat olehnya",
    "its dump has no triggers, and does not say so": "dump-nya tanpa trigger, tanpa pemberitahuan",
    "its dump has no events": "dump-nya tanpa event",
    "views cannot be dumped": "view tidak dapat di-dump",
    "account {} cannot see stored routines of {}: its dump has none of other accounts": (
        "akun {} tidak dapat melihat rutin tersimpan {}: dump tidak memuat milik akun lain"
    ),
    " (MariaDB 11.3 and newer), or GRANT ": " (MariaDB 11.3 ke atas), atau GRANT ",
    " (before), or GRANT ": " (sebelumnya), atau GRANT ",
    # a tree: listed, compared, read
    "the host's listing was cut (exit code {n})": "daftar dari host terpotong (kode keluar {})",
    "the host's listing was cut": "daftar dari host terpotong",
    "the host's listing did not begin": "daftar dari host tidak dimulai",
    "the host's listing begins with something else": "daftar dari host diawali hal lain",
    "the host's listing holds ": "daftar dari host memuat ",
    ": could not be listed: ": ": tidak dapat didaftar: ",
    ": was there, but did not come: ": ": ada pada host, tetapi tidak ikut datang: ",
    ": {n} bytes of tar's messages were lost": ": {} byte pesan tar hilang",
    "; tried again: ": "; dicoba lagi: ",
    ", in the last set it had {n}: less than {n} %. If that is right, one run without site_backup_least_percent": (
        ", dalam set terakhir {}: kurang dari {} %. Bila memang benar, jalankan sekali tanpa site_backup_least_percent"
    ),
    ": {n} files, ": ": {} berkas, ",
    ": {n} bytes, ": ": {} byte, ",
    # what the site lives in
    "the crontab cannot be read: ": "crontab tidak dapat dibaca: ",
    "the configuration's archive is not whole: ": "arsip konfigurasi tidak utuh: ",
    "configuration of more than {n} MiB in {}: not taken": "konfigurasi lebih dari {} MiB di {}: tidak diambil",
    "the addresses of {} cannot be looked up: ": "alamat {} tidak dapat dicari: ",
    "the certificate of {} cannot be had: ": "sertifikat {} tidak dapat diperoleh: ",
    # the account at cPanel
    "cPanel knows no database ": "cPanel tidak mengenal basis data ",
    "cPanel lists: ": "cPanel mencantumkan: ",
    "the account has none": "akun tidak memiliki basis data",
    ": cPanel said that the full backup began, but after {n} minutes its archive is {}: ": (
        ": menurut cPanel backup penuh sudah dimulai, tetapi setelah {} menit arsipnya {}: "
    ),
    "nowhere in the home directory": "tidak ada di direktori home",
    "still growing ({n} bytes)": "masih bertambah ({} byte)",
    "the account has {n} MB of {n} MB left": "sisa kuota akun {} MB dari {} MB",
    "the account has no limit of its own": "akun tanpa batas kuota tersendiri",
    "and the quota cannot be asked (": "dan kuota tidak dapat ditanyai (",
    ": not in the full backup (mysql/": ": tidak ada dalam backup penuh (mysql/",
    "the full backup holds no file of the home directory (homedir/ is empty)": (
        "backup penuh tidak berisi satu pun berkas direktori home (homedir/ kosong)"
    ),
    "~/cpbackup-exclude.conf leaves files out of every full backup: remove it, or use `stream`": (
        "~/cpbackup-exclude.conf mengecualikan berkas dari setiap backup penuh: hapus, atau pakai `stream`"
    ),
    "home directory: {n} files and folders came, the quota counts {n}: is all of it there?": (
        "direktori home: yang datang {} berkas dan folder, menurut kuota {}: apakah sudah lengkap?"
    ),
    "the home directory": "direktori home",
    "home directory": "direktori home",
    "the part that came is no tree": "bagian yang datang bukan pohon",
    ": the gzip stream ends before its trailer: it was cut": ": aliran gzip berakhir sebelum penutupnya: terpotong",
    ": no gzip file, or a damaged one (": ": bukan berkas gzip, atau rusak (",
    "the dump of ": "dump dari ",
    ": DomainInfo::list_domains names no main domain": ": DomainInfo::list_domains tidak menyebut domain utama",
    ": Variables::get_user_information names no home directory": (
        ": Variables::get_user_information tidak menyebut direktori home"
    ),
    # settings that a backup refuses
    "laman_unit.media names no medium: backups have nowhere to go": (
        "laman_unit.media tidak menyebut media: backup tidak punya tujuan"
    ),
    " must be an absolute path below /": " harus jalur mutlak di bawah /",
    "exclude or accept {}: expected a pattern relative to the tree, without '..'": (
        "exclude atau accept {}: seharusnya pola relatif terhadap pohon, tanpa '..'"
    ),
    "database {} holds characters that no database name has": (
        "basis data {} memuat karakter yang tidak ada pada nama basis data"
    ),
    "option_file stands alone: put user, password, host and options into that file": (
        "option_file berdiri sendiri: isi pengguna, kata sandi, host, dan opsi di berkas itu"
    ),
    "password without user": "kata sandi tanpa pengguna",
    "dump_options: {} cannot be given here": "dump_options: {} tidak boleh dipakai di sini",
    "client_options: {} is no client option that can be given here": (
        "client_options: {} bukan opsi klien yang boleh dipakai di sini"
    ),
    " holds a line feed, blanks at an end, or more than 900 characters": (
        " memuat ganti baris, spasi di ujung, atau lebih dari 900 karakter"
    ),
    "the name {} is used twice: each tree and database needs its own": (
        "nama {} dipakai dua kali: setiap pohon dan basis data perlu nama sendiri"
    ),
    "the name 'lingkungan' is that of the site's environment: choose another": (
        "nama 'lingkungan' milik lingkungan laman: pilih nama lain"
    ),
    "environment dns and tls: give the site's names in site_backup_domains": (
        "lingkungan dns dan tls: isi nama laman di site_backup_domains"
    ),
    "nothing to back up: give at least one tree or database": (
        "tidak ada yang di-backup: sebutkan setidaknya satu pohon atau basis data"
    ),
    "nothing to back up: home is none, and no database is named": (
        "tidak ada yang di-backup: home adalah none, dan tidak ada basis data yang disebut"
    ),
}
