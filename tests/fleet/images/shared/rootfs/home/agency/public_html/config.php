<?php
$db_name = 'agency_web';
$db_user = 'agency_web';
$db_pass = 'fleet-agency';
