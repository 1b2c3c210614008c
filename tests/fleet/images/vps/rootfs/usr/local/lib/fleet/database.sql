-- Accounts: wp_backup may do exactly what a whole dump needs; wp_poor lacks TRIGGER, so its dump is silently incomplete.
CREATE DATABASE wordpress CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
CREATE USER wordpress@localhost IDENTIFIED BY 'fleet-wordpress';
GRANT ALL PRIVILEGES ON wordpress.* TO wordpress@localhost;
CREATE USER wp_backup@localhost IDENTIFIED BY 'fleet-backup';
GRANT SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON wordpress.* TO wp_backup@localhost;
GRANT SELECT ON mysql.proc TO wp_backup@localhost;
CREATE USER wp_poor@localhost IDENTIFIED BY 'fleet-poor';
GRANT SELECT, LOCK TABLES, SHOW VIEW, EVENT ON wordpress.* TO wp_poor@localhost;
GRANT SELECT ON mysql.proc TO wp_poor@localhost;
