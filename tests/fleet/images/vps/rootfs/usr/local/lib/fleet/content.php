<?php
// Second of three processes: theme, language, permalinks, and the posts of content.json, dated back from now.
require '/var/www/laman/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/taxonomy.php';

function fleet_fail(string $what): never
{
    fwrite(STDERR, "fleet: $what\n");
    exit(1);
}

switch_theme('twentytwentyone');
update_option('WPLANG', 'id_ID');
update_option('timezone_string', 'Asia/Jakarta');
update_option('posts_per_page', 10);
foreach (get_posts(['post_type' => ['post', 'page'], 'post_status' => 'any', 'numberposts' => -1]) as $post) {
    wp_delete_post($post->ID, true);
}

$content = json_decode(file_get_contents(__DIR__ . '/content.json'), true, 16, JSON_THROW_ON_ERROR);
$categories = [];
foreach ($content['categories'] as $slug => $name) {
    $categories[$slug] = wp_insert_category(['cat_name' => $name, 'category_nicename' => $slug]) ?: fleet_fail("category $slug");
}
foreach ($content['posts'] as $number => $post) {
    $when = time() - $post['days'] * 86400 - 3600 * ($number % 7) - 60;
    $id = wp_insert_post([
        'post_title' => $post['title'],
        'post_content' => '<p>' . implode("</p>\n\n<p>", $post['text']) . '</p>',
        'post_status' => 'publish',
        'post_author' => 1,
        'post_date' => wp_date('Y-m-d H:i:s', $when),
        'post_date_gmt' => gmdate('Y-m-d H:i:s', $when),
        'post_category' => [$categories[$post['category']]],
    ], true);
    if (is_wp_error($id)) {
        fleet_fail("post {$post['title']}: " . $id->get_error_message());
    }
}
wp_insert_post([
    'post_type' => 'page', 'post_title' => 'Profil', 'post_status' => 'publish',
    'post_content' => '<p>Dinas Contoh melayani masyarakat sejak 1998.</p>',
]);

// A known application password, so that a test can ask the REST API for plugins, themes and site health.
[$password, $item] = WP_Application_Passwords::create_new_application_password(1, ['name' => 'fleet']);
$items = get_user_meta(1, '_application_passwords', true);
$items[0]['password'] = wp_hash_password('fleetapplicationpassword');
update_user_meta(1, '_application_passwords', $items);

update_option('permalink_structure', '/%year%/%monthnum%/%postname%/');
