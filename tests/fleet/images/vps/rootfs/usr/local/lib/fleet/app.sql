-- A small application on SQLite, in WAL mode as a live one would be.
PRAGMA journal_mode = WAL;
CREATE TABLE pengaduan (id INTEGER PRIMARY KEY, pelapor TEXT NOT NULL, isi TEXT NOT NULL, bukti BLOB);
CREATE TABLE riwayat (id INTEGER PRIMARY KEY, pengaduan_id INTEGER NOT NULL REFERENCES pengaduan (id), catatan TEXT NOT NULL);
CREATE INDEX riwayat_pengaduan ON riwayat (pengaduan_id);
CREATE TRIGGER pengaduan_masuk AFTER INSERT ON pengaduan
    BEGIN INSERT INTO riwayat (pengaduan_id, catatan) VALUES (NEW.id, 'diterima'); END;
CREATE VIEW pengaduan_terbuka AS SELECT id, pelapor FROM pengaduan;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
INSERT INTO pengaduan (pelapor, isi, bukti) SELECT 'Warga ' || i, 'Lampu jalan padam 💡 di RT ' || (i % 12 + 1), zeroblob(i) FROM n;
