<?php
// Third process: taxonomies register their rules at load time, and only where permalinks are already set.
require '/var/www/laman/wp-load.php';

flush_rewrite_rules(true);
if (!array_key_exists('category/(.+?)/feed/(feed|rdf|rss|rss2|atom)/?$', (array) get_option('rewrite_rules'))) {
    fwrite(STDERR, "fleet: no rewrite rules for the feeds of categories\n");
    exit(1);
}
