-- What simple backups lose: a trigger, a routine, an event, a view, binary rows and four-byte characters.
SET NAMES utf8mb4;
CREATE TABLE laman_survei (
    id INT AUTO_INCREMENT PRIMARY KEY,
    nama VARCHAR(80) NOT NULL,
    pesan TEXT NOT NULL,
    nilai TINYINT NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE laman_audit (
    id INT AUTO_INCREMENT PRIMARY KEY,
    survei_id INT NOT NULL,
    dicatat TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
) CHARACTER SET utf8mb4;
CREATE TABLE laman_lampiran (
    id INT AUTO_INCREMENT PRIMARY KEY,
    nama VARCHAR(80) NOT NULL,
    isi LONGBLOB NOT NULL,
    sidik BINARY(32) NOT NULL
) CHARACTER SET utf8mb4;
DELIMITER //
CREATE TRIGGER laman_survei_catat AFTER INSERT ON laman_survei
    FOR EACH ROW INSERT INTO laman_audit (survei_id) VALUES (NEW.id)//
CREATE PROCEDURE laman_nilai_rata(OUT rata DECIMAL(4, 2))
    SELECT AVG(nilai) INTO rata FROM laman_survei//
CREATE FUNCTION laman_jumlah_survei() RETURNS INT READS SQL DATA
    RETURN (SELECT COUNT(*) FROM laman_survei)//
CREATE EVENT laman_bersihkan ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00'
    DO DELETE FROM laman_audit WHERE dicatat < NOW() - INTERVAL 1 YEAR//
DELIMITER ;
CREATE VIEW laman_survei_baik AS SELECT id, nama, pesan FROM laman_survei WHERE nilai >= 4;
INSERT INTO laman_survei (nama, pesan, nilai) VALUES
    ('Siti Rahmawati', 'Pelayanannya cepat, terima kasih 🙏', 5),
    ('Budi “Bud” Santoso', 'Antre 2 jam… 😡 mohon diperbaiki', 2),
    ('Ni Luh Ayu', 'Bagus 👍🏽 — lanjutkan!', 4),
    ('José Ñúñez', 'ᬅᬓ᭄ᬱᬭ Bali & 汉字 & кириллица', 4);
-- every byte value, NUL and newline included, sixteen times over
SELECT GROUP_CONCAT(LPAD(HEX(seq), 2, '0') ORDER BY seq SEPARATOR '') INTO @bytes FROM seq_0_to_255;
INSERT INTO laman_lampiran (nama, isi, sidik) SELECT CONCAT('byte-', seq, '.bin'), REPEAT(UNHEX(@bytes), 4 * seq),
    UNHEX(SHA2(REPEAT(UNHEX(@bytes), 4 * seq), 256)) FROM seq_1_to_16;
