"""What our engines and roles say in English, in the words of management: a catalogue of phrases.

Reasons, problems and proofs reach the record as English text with paths, names and the operating system's own words in
it. Compliance joins several of them to one reason. So a phrase is looked for anywhere in a text, the longest first,
and only the phrase changes: what stands around it, and in its blanks, stays as it is on record.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from reporting.workbook.phrases_backup import BACKUP_PHRASES

# `{}` stands for anything without a semicolon (they separate reasons), `{n}` for a number; both in the same order in
# the Indonesian text, which says `{}` for each.
_PHRASES: dict[str, str] = {
    # the runner: an execution that left no document of its own
    "the site could not be reached: ": "laman tidak dapat dihubungi: ",
    "ended at the time limit during task: ": "dihentikan pada batas waktu saat tugas: ",
    "ended at the time limit before its first task": "dihentikan pada batas waktu sebelum tugas pertamanya",
    "interrupted by the operator during task: ": "dihentikan oleh operator saat tugas: ",
    "interrupted by the operator before its first task": "dihentikan oleh operator sebelum tugas pertamanya",
    "the run was killed (power, kill -9 or out of memory): no output was verified": (
        "pelaksanaan terhenti paksa (listrik, kill -9, atau memori habis): tidak ada output yang terverifikasi"
    ),
    "the run ended without a result document": "pelaksanaan berakhir tanpa dokumen hasil",
    "the document speaks of activity {n} on {}, not of {n} on ": (
        "dokumen hasil menyebut kegiatan {} pada {}, bukan {} pada "
    ),
    "evidence file {} is not what the role handed over (size or SHA-256 differs)": (
        "berkas bukti {} bukan yang diserahkan (ukuran atau SHA-256 berbeda)"
    ),
    "evidence file {} cannot be read: ": "berkas bukti {} tidak dapat dibaca: ",
    "a task failed without a message": "sebuah tugas gagal tanpa pesan",
    "the check left no result": "pemeriksaan tidak meninggalkan hasil",
    "no message": "tanpa pesan",
    "nothing was said": "tanpa pesan",
    "it said nothing": "tanpa pesan",
    "no output: ": "tidak ada output: ",
    "ansible could not run {}: ": "ansible tidak dapat menjalankan {}: ",
    # proofs
    "read back from the medium: SHA-256 equal, decompressed, every member equal": (
        "dibaca kembali dari media: SHA-256 sama, terbuka utuh, setiap anggota sama"
    ),
    "read back, SHA-256 equal, parsed as JSON": "dibaca kembali, SHA-256 sama, terbaca sebagai JSON",
    "decompressed whole, bytes as collected, every line parsed or rejected": (
        "terbuka utuh, byte sebanyak yang dikumpulkan, setiap baris terbaca atau ditolak"
    ),
    "decompressed whole, checksum equal": "terbuka utuh, checksum sama",
    "copied into the archive, read back, SHA-256": "disalin ke arsip, dibaca kembali, SHA-256",
    "read back": "dibaca kembali",
    # access to the site
    ": the login works, but no POSIX shell carried out the probe (it said: ": (
        ": login berhasil, tetapi tidak ada shell POSIX yang menjalankan pemeriksaan (jawabannya: "
    ),
    ": the login works, but no POSIX shell carried out the probe (it said: nothing)": (
        ": login berhasil, tetapi tidak ada shell POSIX yang menjalankan pemeriksaan (tanpa jawaban)"
    ),
    "ask the provider for shell access, or use site_access_method: cpanel_api": (
        "minta akses shell kepada penyedia, atau pakai site_access_method: cpanel_api"
    ),
    ": a POSIX shell carried out the probe": ": shell POSIX menjalankan pemeriksaan",
    "missing on the site: {} (install it, or ask the provider)": (
        "tidak ada pada laman: {} (pasang, atau minta kepada penyedia)"
    ),
    "path {} does not exist on the site (site_access_paths)": "jalur {} tidak ada pada laman (site_access_paths)",
    "path {} is not readable for this account (site_access_paths, or become)": (
        "jalur {} tidak dapat dibaca akun ini (site_access_paths, atau become)"
    ),
    "wrong SSH host key: the host shows another key than the one in known_hosts": (
        "kunci host SSH salah: host menunjukkan kunci lain daripada yang ada di known_hosts"
    ),
    "ask the provider whether it was reinstalled before trusting it, then `ssh-keygen -R` the old key": (
        "tanyakan kepada penyedia apakah host dipasang ulang sebelum dipercaya, lalu `ssh-keygen -R` kunci lama"
    ),
    "SSH host key not known yet: compare its fingerprint with the provider's, then add it to known_hosts": (
        "kunci host SSH belum dikenal: cocokkan sidiknya dengan milik penyedia, lalu tambahkan ke known_hosts"
    ),
    "DNS: the host name cannot be resolved": "DNS: nama host tidak dapat ditemukan",
    "check ansible_host and the domain's name servers": "periksa ansible_host dan server nama domainnya",
    "the login was refused: the key or the user is not accepted": "login ditolak: kunci atau pengguna tidak diterima",
    "check ansible_user and ansible_ssh_private_key_file": "periksa ansible_user dan ansible_ssh_private_key_file",
    "connection refused: nothing listens there": "sambungan ditolak: tidak ada layanan di sana",
    "check ansible_host, ansible_port and sshd": "periksa ansible_host, ansible_port, dan sshd",
    "no route to the host: check the network and ansible_host": (
        "tidak ada rute ke host: periksa jaringan dan ansible_host"
    ),
    "no answer in time: the host is down, filtered by a firewall, or hangs at login": (
        "tidak menjawab pada waktunya: host mati, dihalangi firewall, atau macet saat login"
    ),
    "the host closed the connection during log-in: too many logins, a ban (fail2ban), or no SSH on that port": (
        "host menutup sambungan saat login: terlalu banyak login, diblokir (fail2ban), atau bukan SSH pada port itu"
    ),
    "(said: ": "(pesan: ",
    ": no access: ": ": tidak ada akses: ",
    "site_access_method is {}, but this host's ansible_connection is {}: make them agree": (
        "site_access_method adalah {}, tetapi ansible_connection host ini {}: samakan keduanya"
    ),
    "site_access_method is {}: expected ssh, local or cpanel_api": (
        "site_access_method adalah {}: seharusnya ssh, local, atau cpanel_api"
    ),
    "this role reads the site over ssh or local only": "peran ini membaca laman hanya lewat ssh atau local",
    "ask the provider for SSH access, or record a backup made by hand": (
        "minta akses SSH kepada penyedia, atau catat backup yang dibuat dengan tangan"
    ),
    # the stream from the host
    "the command did not start (exit code ": "perintah tidak dimulai (kode keluar ",
    "exit code ": "kode keluar ",
    "connection {} cannot stream: use ansible_connection ssh or local for this host": (
        "sambungan {} tidak dapat mengalirkan data: pakai ansible_connection ssh atau local untuk host ini"
    ),
    "streaming over SSH works with a key, not with a password or a PIN: put the key's path into "
    "ansible_ssh_private_key_file and drop ansible_password": (
        "pengaliran lewat SSH memakai kunci, bukan kata sandi atau PIN: isi jalur kunci di "
        "ansible_ssh_private_key_file dan hapus ansible_password"
    ),
    "become was asked for, but this task has no become plugin: set become: true on the task": (
        "become diminta, tetapi tugas ini tanpa plugin become: isi become: true pada tugasnya"
    ),
    "become method {} would ask for a password, which a stream cannot answer: allow the command without one "
    "(sudo NOPASSWD), or do without become": (
        "metode become {} akan meminta kata sandi, yang tidak dapat dijawab aliran data: izinkan perintah tanpa kata "
        "sandi (sudo NOPASSWD), atau tanpa become"
    ),
    ": nothing came for {n} seconds, given up": ": tidak ada data selama {} detik, dihentikan",
    ": more than {n} bytes of text before the command started": ": lebih dari {} byte teks sebelum perintah dimulai",
    "look at what .bashrc and .profile print there": "periksa apa yang dicetak .bashrc dan .profile di sana",
    "the host's answer is longer than 8 MiB: given up": "jawaban host lebih dari 8 MiB: dihentikan",
    "at most {n} KiB of standard input can be given to a streamed command": (
        "masukan standar perintah yang dialirkan paling banyak {} KiB"
    ),
    "the process must have pipes on its outputs": "proses harus memakai pipa pada keluarannya",
    # cPanel
    ": HTTP {n}, access denied: the token or the user is not accepted (expired or revoked token, wrong user, or a "
    "lock-out after too many log-ins)": (
        ": HTTP {}, akses ditolak: token atau pengguna tidak diterima (token kedaluwarsa atau dicabut, pengguna salah, "
        "atau terkunci setelah terlalu banyak login)"
    ),
    ": HTTP 200 with an HTML page instead of JSON: a log-in page, so the token was not accepted, or this is not "
    "cPanel's port": (
        ": HTTP 200 dengan halaman HTML, bukan JSON: halaman login, jadi token tidak diterima, atau bukan port cPanel"
    ),
    ": the certificate is not trusted ({}): use the host name that is in the certificate, or put its CA's certificate "
    "into the ca_file setting": (
        ": sertifikat tidak dipercaya ({}): pakai nama host di sertifikat itu, atau isi sertifikat CA-nya di ca_file"
    ),
    ": TLS failed ({}): is this cPanel's TLS port?": ": TLS gagal ({}): apakah ini port TLS cPanel?",
    ": connection refused: nothing listens on that port": ": sambungan ditolak: tidak ada layanan pada port itu",
    ": redirected to {}, which is not followed: give that host as the cPanel host": (
        ": dialihkan ke {}, yang tidak diikuti: isi host itu sebagai host cPanel"
    ),
    ": cut off after {n} of {n} bytes": ": terputus setelah {} dari {} byte",
    ": cut off after {n} bytes": ": terputus setelah {} byte",
    ": reply cut off after {n} of {n} bytes": ": jawaban terputus setelah {} dari {} byte",
    ": silent for too long after {n} bytes": ": diam terlalu lama setelah {} byte",
    ": more than {n} bytes of reply": ": jawaban lebih dari {} byte",
    ": the reply is not JSON: ": ": jawaban bukan JSON: ",
    "the reply has no status: not a UAPI reply": "jawaban tanpa status: bukan jawaban UAPI",
    "an HTML page came instead of {}: the token was not accepted there": (
        "yang datang halaman HTML, bukan {}: token tidak diterima di sana"
    ),
    "no reason was given": "tanpa alasan",
    "no reason": "tanpa alasan",
    ": the reply is none of API 2": ": jawaban bukan jawaban API 2",
    ": refused: ": ": ditolak: ",
    ": no answer in time after {n} s": ": tidak menjawab pada waktunya, setelah {} detik",
    "cPanel: expected a number, got ": "cPanel: seharusnya angka, didapat ",
    ": DomainInfo::list_domains names no main domain: not an account's port": (
        ": DomainInfo::list_domains tidak menyebut domain utama: bukan port akun"
    ),
    "cPanel answered an authenticated call for the account of ": "cPanel menjawab panggilan terautentikasi untuk akun ",
    "download of ": "unduhan ",
    "cPanel host {}: expected a bare host name": "host cPanel {}: seharusnya nama host saja",
    "cPanel port {}: expected 1 to 65535 (usually {n})": "port cPanel {}: seharusnya 1 sampai 65535 (biasanya {})",
    "cPanel user: expected the account's name, printable ASCII without ':'": (
        "pengguna cPanel: seharusnya nama akun, ASCII tercetak tanpa ':'"
    ),
    "cPanel token is empty: set {} (e.g. {} in ": "token cPanel kosong: isi {} (misalnya {} dalam ",
    "cPanel token: expected the API token's printable characters and nothing else": (
        "token cPanel: seharusnya hanya huruf tercetak dari token API"
    ),
    "{} is no UAPI function name": "{} bukan nama fungsi UAPI",
    "cPanel ca_file {}: cannot be used ({}): expected a PEM file with certificates": (
        "ca_file cPanel {}: tidak dapat dipakai ({}): seharusnya berkas PEM berisi sertifikat"
    ),
    # the content's status
    "none of the {n} sections could be fetched, so there is no status (first: ": (
        "tidak satu pun dari {} bagian dapat diambil, jadi tidak ada status (yang pertama: "
    ),
    "no section": "tidak ada bagian",
    "only dates in the future were found by ": "hanya tanggal di masa depan yang ditemukan lewat ",
    "no date was found by ": "tidak ada tanggal yang ditemukan lewat ",
    "only dates in the future were found": "hanya tanggal di masa depan yang ditemukan",
    "no date was found": "tidak ada tanggal yang ditemukan",
    "last update {} ({} days ago), limit {n} days, from ": (
        "diperbarui terakhir {} ({} hari lalu), batas {} hari, menurut "
    ),
    " (a change that was seen between two runs)": " (perubahan yang terlihat di antara dua pemeriksaan)",
    "no change for at least {n} days, limit {n} days, from hash": (
        "tidak berubah setidaknya {} hari, batas {} hari, menurut sidik isi"
    ),
    "the text is watched for changes since ": "perubahan teksnya diamati sejak ",
    ": the site refuses the checker (a firewall or a limit?)": ": laman menolak pemeriksa (firewall atau pembatasan?)",
    "look in a browser": "periksa lewat peramban",
    "another site answers: ": "yang menjawab laman lain: ",
    "this page could not be judged: ": "halaman ini tidak dapat dinilai: ",
    "DNS: the name cannot be resolved": "DNS: nama tidak dapat ditemukan",
    "connection refused": "sambungan ditolak",
    "no answer in time ({n} s at most)": "tidak menjawab pada waktunya (paling lama {} detik)",
    "no answer in time": "tidak menjawab pada waktunya",
    "too many redirects": "terlalu banyak pengalihan",
    "not a usable HTTP answer": "bukan jawaban HTTP yang dapat dipakai",
    "not reached within {n} s for the whole check": "tidak terjangkau dalam {} detik untuk seluruh pemeriksaan",
    "a date in the future: {}; it was not used": "tanggal di masa depan: {}; tidak dipakai",
    ": what was read back is not what was written": ": yang terbaca kembali bukan yang ditulis",
    ": holds 999 records already; give another evidence folder": ": sudah berisi 999 catatan; pakai folder bukti lain",
    "the record could not be written into ": "catatan tidak dapat ditulis ke ",
    "what was seen could not be kept in {}: ": "yang terlihat tidak dapat disimpan di {}: ",
    "check mode: nothing was written": "mode periksa: tidak ada yang ditulis",
    "content_status_ca_file: {} is not a file on the control node": (
        "content_status_ca_file: {} bukan berkas pada komputer pengendali"
    ),
    # the visitor log
    "the visitor log was not collected: ": "log pengunjung tidak dikumpulkan: ",
    "log access: ": "akses log: ",
    "{n} of {n} log files not readable for this account: ": "{} dari {} berkas log tidak dapat dibaca akun ini: ",
    "no log file is there (visitor_log_paths)": "tidak ada berkas log (visitor_log_paths)",
    "log files readable: ": "berkas log terbaca: ",
    ": {n} bytes were collected, {n} read back from ": ": {} byte dikumpulkan, {} terbaca kembali dari ",
    ": none of its {n} lines is in the combined or common format": (
        ": tidak satu pun dari {} barisnya berformat combined atau common"
    ),
    ": replaced again and again while it was read": ": diganti berulang kali saat dibaca",
    "no log file matches {} (visitor_log_paths)": "tidak ada berkas log yang cocok dengan {} (visitor_log_paths)",
    ": no such log on the site (visitor_log_paths)": ": log itu tidak ada pada laman (visitor_log_paths)",
    ": not readable for this account (give it read access, or use become)": (
        ": tidak dapat dibaca akun ini (beri hak baca, atau pakai become)"
    ),
    ": a link that leads out of its folder, or behind a folder that is a link of another account: left alone (name the "
    "file where it really is in visitor_log_paths)": (
        ": tautan yang menuju ke luar foldernya, atau di balik folder yang merupakan tautan akun lain: dilewati "
        "(sebutkan berkas di tempat aslinya pada visitor_log_paths)"
    ),
    ": not a regular file, left alone (narrow visitor_log_paths)": (
        ": bukan berkas biasa, dilewati (persempit visitor_log_paths)"
    ),
    ": compressed with {}; plain and gzip are read": ": dimampatkan dengan {}; yang dibaca hanya teks biasa dan gzip",
    ": could not be begun": ": tidak dapat dimulai",
    "gzip data ends early: the file is being written, or was cut off": (
        "data gzip berakhir terlalu awal: berkas sedang ditulis, atau terpotong"
    ),
    "broken gzip data (": "data gzip rusak (",
    "visitor_log_paths match too many files: narrow them": (
        "visitor_log_paths cocok dengan terlalu banyak berkas: persempit"
    ),
    "the site could not list its log files: ": "laman tidak dapat mendaftar berkas log: ",
    "the site did not finish listing its log files": "laman tidak selesai mendaftar berkas log",
    "try again, or look at its shell": "coba lagi, atau periksa shell-nya",
    "leads out of its folder, or lies behind a link of another account": (
        "menuju ke luar foldernya, atau di balik tautan akun lain"
    ),
    "could not be read to its end: ": "tidak dapat dibaca sampai akhir: ",
    "visitor_log_paths: {}: expected an absolute path or one that begins with ~/": (
        "visitor_log_paths: {}: seharusnya jalur mutlak atau yang diawali ~/"
    ),
    "visitor_log_paths is empty: name the site's access logs, e.g. ": (
        "visitor_log_paths kosong: sebutkan log akses laman, misalnya "
    ),
    "visitor_log_zone: {} is no time zone, e.g. ": "visitor_log_zone: {} bukan zona waktu, misalnya ",
    ": belongs to site {}, not ": ": milik laman {}, bukan ",
    ": the collection state cannot be read: ": ": keadaan pengumpulan tidak dapat dibaca: ",
    "put a copy back, or move the file away to collect all again": (
        "kembalikan salinannya, atau pindahkan berkas itu untuk mengumpulkan semua dari awal"
    ),
    ": another collection of this site's logs is going on": ": pengumpulan lain dari log laman ini sedang berjalan",
}
PHRASES: dict[str, str] = {**_PHRASES, **BACKUP_PHRASES}
_BLANK = re.compile(r"\{n?\}")
_KINDS = {"{}": "([^;]{1,400}?)", "{n}": r"(\d[\d.,]*)"}


def _pattern(phrase: str) -> re.Pattern[str]:
    blanks = [_KINDS[blank] for blank in _BLANK.findall(phrase)]
    fixed = [re.escape(text) for text in _BLANK.split(phrase)]
    body = "".join(text + blank for text, blank in zip(fixed, [*blanks, ""], strict=True))
    before = r"(?<![\w/.-])" if phrase[0].isalnum() or phrase[0] == "{" else ""
    after = r"(?=$|[;:,.)'\]…]+(?:\s|$)|[)\]]| [(\[])" if phrase[-1].isalnum() or phrase[-1] == "?" else ""
    return re.compile(before + body + after)


def _by_length() -> list[str]:
    return sorted(PHRASES, key=lambda phrase: (-len(_BLANK.sub("", phrase)), phrase))


@lru_cache(maxsize=1)
def _compiled() -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(phrase), PHRASES[phrase]) for phrase in _by_length()]


@lru_cache(maxsize=8_192)
def told(text: str, lang: Literal["id", "en"]) -> str:
    """A text of an engine or a role in the workbook's language; what is no phrase of the catalogue stays as it is."""
    if lang == "en" or not text:
        return text
    for pattern, indonesian in _compiled():
        text = pattern.sub(lambda match, said=indonesian: said.format(*match.groups()), text)  # type: ignore[misc]
    return text
