# Each mistake is refused where it was made.

run "host_without_names" {
  command = plan
  variables {
    hosts = { web1 = {} }
  }
  expect_failures = [var.hosts]
}

run "host_with_null_alone" {
  command = plan
  variables {
    hosts = { web1 = { ip_addresses = [null] } }
  }
  expect_failures = [var.hosts]
}

run "host_that_is_null" {
  command = plan
  variables {
    hosts   = { web1 = null, web2 = { dns_names = ["web2.example.com"] } }
    clients = ["ci"]
    deliver = true
  }
  expect_failures = [var.hosts]
}

run "host_that_is_no_context" {
  command = plan
  variables {
    hosts = { "default" = { dns_names = ["web1.example.com"] } }
  }
  expect_failures = [var.hosts]
}

run "host_without_an_address" {
  command = plan
  variables {
    hosts   = { web = { dns_names = ["*.example.com"] } }
    clients = ["ci"]
  }
  expect_failures = [output.contexts]
}

run "request_without_an_address" {
  command = plan
  variables {
    hosts   = { kept = { cert_request_pem = file("tests/kept.csr") } }
    clients = ["ci"]
  }
  expect_failures = [output.contexts]
}

run "address_with_a_port" {
  command = plan
  variables {
    hosts = { web1 = { dns_names = ["web1.example.com"], address = "web1.example.com:2376" } }
  }
  expect_failures = [var.hosts]
}

run "blank_client" {
  command = plan
  variables {
    clients = ["ci", " "]
  }
  expect_failures = [var.clients]
}

run "unknown_algorithm" {
  command = plan
  variables {
    key_algorithm = "RSA_1024"
  }
  expect_failures = [var.key_algorithm]
}

run "host_that_outlives_its_authority" {
  command = plan
  variables {
    ca_validity_period_hours     = 100
    host_validity_period_hours   = 100
    client_validity_period_hours = 99
  }
  expect_failures = [var.host_validity_period_hours]
}

run "one_that_outlives_its_authority" {
  command = plan
  variables {
    ca_validity_period_hours     = 100
    host_validity_period_hours   = 99
    client_validity_period_hours = 99
    hosts                        = { web1 = { dns_names = ["web1.example.com"], validity_period_hours = 100 } }
    clients                      = ["ci"]
    client_overrides             = { ci = { validity_period_hours = 100 } }
  }
  expect_failures = [var.hosts, var.client_overrides]
}

run "algorithm_of_a_key_that_exists" {
  command = plan
  variables {
    hosts                  = { web1 = { cert_request_pem = file("tests/kept.csr"), address = "10.0.0.9", key_algorithm = "ED25519" } }
    clients                = ["ci"]
    client_overrides       = { ci = { private_key_pem_wo_version = 1, key_algorithm = "ED25519" } }
    ca_key_algorithm       = "ED25519"
    ca_private_key_version = 1
  }
  expect_failures = [var.hosts, var.client_overrides, var.ca_key_algorithm]
}

run "client_of_half_an_hour" {
  command = plan
  variables {
    client_validity_period_hours = 0.5
  }
  expect_failures = [var.client_validity_period_hours]
}

run "authority_without_a_life" {
  command = plan
  variables {
    ca_validity_period_hours = 0
  }
  expect_failures = [var.ca_validity_period_hours]
}

run "negative_overlap" {
  command = plan
  variables {
    ca_overlap_hours = -1
  }
  expect_failures = [var.ca_overlap_hours]
}

run "daemon_that_is_no_object" {
  command = plan
  variables {
    daemon = "tlsverify"
  }
  expect_failures = [var.daemon]
}

run "unknown_user_data_format" {
  command = plan
  variables {
    user_data_format = "butane"
  }
  expect_failures = [var.user_data_format]
}

run "window_that_is_too_wide" {
  command = plan
  variables {
    ca_early_renewal_hours     = 50000
    host_early_renewal_hours   = 9000
    client_early_renewal_hours = 9000
  }
  expect_failures = [var.ca_early_renewal_hours, var.host_early_renewal_hours, var.client_early_renewal_hours]
}

run "window_of_half_an_hour" {
  command = plan
  variables {
    ca_early_renewal_hours     = 0.5
    host_early_renewal_hours   = -1
    client_early_renewal_hours = 0.5
  }
  expect_failures = [var.ca_early_renewal_hours, var.host_early_renewal_hours, var.client_early_renewal_hours]
}

run "unknown_algorithm_of_the_authority" {
  command = plan
  variables {
    ca_key_algorithm = "DSA"
  }
  expect_failures = [var.ca_key_algorithm]
}

run "host_of_another_program" {
  command = plan
  variables {
    hosts = { web1 = { dns_names = ["web1.example.com"], user_data_format = "butane" }, web2 = { dns_names = ["web2.example.com"], layout = "buildx" } }
  }
  expect_failures = [var.hosts]
}

run "overrides_of_a_stranger" {
  command = plan
  variables {
    clients          = ["ci"]
    client_overrides = { cy = {} }
  }
  expect_failures = [var.client_overrides]
}

run "client_of_another_program" {
  command = plan
  variables {
    clients          = ["ci"]
    client_overrides = { ci = { layout = "buildkitd" } }
  }
  expect_failures = [var.client_overrides]
}

run "keys_without_a_version" {
  command = plan
  variables {
    hosts               = { web1 = { dns_names = ["web1.example.com"] } }
    clients             = ["ci"]
    host_private_keys   = { web1 = "key" }
    client_private_keys = { ci = "key" }
    ca_private_key      = { pem = "key" }
  }
  expect_failures = [var.host_private_keys, var.client_private_keys, var.ca_private_key]
}

run "passphrase_that_is_missing" {
  command = plan
  variables {
    ca_private_key_passphrase_version = 1
  }
  expect_failures = [var.ca_private_key_passphrase]
}

run "passphrase_of_a_key_that_is_not_stored" {
  command = plan
  variables {
    ca_private_key_passphrase         = "unused"
    ca_private_key_passphrase_version = 1
    ca_private_key_version            = 1
  }
  expect_failures = [var.ca_private_key_passphrase_version]
}

run "delivery_by_a_stranger" {
  command = plan
  variables {
    deliver  = true
    delivery = { client = "ops" }
  }
  expect_failures = [var.delivery]
}

run "delivery_to_a_stranger" {
  command = plan
  variables {
    delivery_overrides = { web9 = { enabled = true } }
  }
  expect_failures = [var.delivery_overrides]
}

run "delivery_without_an_address" {
  command = plan
  variables {
    deliver = true
    hosts   = { web = { dns_names = ["*.example.com"] } }
  }
  expect_failures = [docker_tls_daemon.host]
}

run "delivery_by_a_client_that_keeps_its_key" {
  command = plan
  variables {
    deliver            = true
    hosts              = { web1 = { dns_names = ["web1.example.com"] }, web2 = { dns_names = ["web2.example.com"] } }
    clients            = ["ops"]
    client_overrides   = { ops = { cert_request_pem = file("tests/kept.csr") } }
    delivery           = { client = "ops" }
    delivery_overrides = { web2 = { client = "ops" } }
  }
  expect_failures = [var.delivery, var.delivery_overrides]
}

run "delivery_to_a_port" {
  command = plan
  variables {
    hosts              = { web1 = { dns_names = ["web1.example.com"] } }
    delivery_overrides = { web1 = { address = "web1.example.com:2376" } }
  }
  expect_failures = [var.delivery_overrides]
}

run "delivery_of_one_host_by_a_stranger" {
  command = plan
  variables {
    hosts              = { web1 = { dns_names = ["web1.example.com"] } }
    delivery_overrides = { web1 = { client = "ops" } }
  }
  expect_failures = [var.delivery_overrides]
}

run "jump_host_without_a_way" {
  command = plan
  variables {
    hosts              = { web1 = { dns_names = ["web1.example.com"] } }
    delivery_overrides = { web1 = { jump_host = "ssh://ops@jump.example.com" } }
  }
  expect_failures = [var.delivery_overrides]
}

run "host_key_without_a_way" {
  command = plan
  variables {
    hosts              = { web1 = { dns_names = ["web1.example.com"] } }
    delivery_overrides = { web1 = { host_key = "ssh-ed25519 AAAA" } }
  }
  expect_failures = [var.delivery_overrides]
}
