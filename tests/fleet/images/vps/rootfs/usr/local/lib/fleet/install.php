<?php
// First of three processes: flushing rewrite rules under WP_INSTALLING would break the category feeds.
define('WP_INSTALLING', true);
require '/var/www/laman/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Laman Dinas Contoh', 'admin', 'admin@example.org', true, '', 'fleet-admin', 'id_ID');
