<?php
require __DIR__ . '/config.php';
header('Location: /index.html');
