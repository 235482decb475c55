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
    hosts = { web = { dns_names = ["*.example.com"] } }
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
