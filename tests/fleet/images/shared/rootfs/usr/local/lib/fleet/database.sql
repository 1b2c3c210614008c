SET NAMES utf8mb4;
CREATE DATABASE agency_web CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE USER agency_web@localhost IDENTIFIED BY 'fleet-agency';
GRANT ALL PRIVILEGES ON agency_web.* TO agency_web@localhost;
USE agency_web;
CREATE TABLE halaman (id INT AUTO_INCREMENT PRIMARY KEY, judul VARCHAR(120) NOT NULL, isi TEXT NOT NULL);
CREATE TABLE tamu (id INT AUTO_INCREMENT PRIMARY KEY, nama VARCHAR(80) NOT NULL, pesan TEXT NOT NULL);
CREATE TABLE kunjungan (tanggal DATE NOT NULL PRIMARY KEY, jumlah INT NOT NULL);
INSERT INTO halaman (judul, isi) VALUES ('Profil', 'Dinas Contoh berdiri sejak 1998.'),
    ('Layanan', 'KTP elektronik, kartu keluarga, akta.'), ('Kontak', 'Jalan Merdeka 1');
INSERT INTO tamu (nama, pesan) VALUES ('Wayan', 'Terima kasih 🙏'), ('Dewi', 'Mohon jam buka Sabtu');
INSERT INTO kunjungan SELECT '2026-01-01' + INTERVAL seq DAY, 100 + seq * 7 % 53 FROM seq_0_to_199;
