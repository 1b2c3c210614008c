# File names and kinds that careless backups lose. Sourced by build.sh; runs as www-data.
# shellcheck shell=sh
cd /var/www/laman/wp-content/uploads
mkdir -p dokumen gambar alat
printf '%%PDF-1.4\n%% Laporan tahunan Dinas Contoh\n%%%%EOF\n' > 'dokumen/laporan tahunan.pdf'
printf 'Foto upacara, keterangan: Hari Jadi Ke-27\n' > 'gambar/Upacara – Hari Jadi ✓ 日本.txt'
php -r '$i = imagecreatetruecolor(320, 200); imagefill($i, 0, 0, 0x2255aa); imagepng($i, "gambar/kantor.png");'
: > dokumen/kosong.txt
ln -s 'laporan tahunan.pdf' dokumen/terbaru.pdf
printf '#!/bin/sh\necho laman\n' > alat/cek.sh
chmod 755 alat/cek.sh
