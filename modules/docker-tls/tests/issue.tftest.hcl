# What the module makes of its variables.

variables {
  # `terraform test` wants a value for each ephemeral variable.
  ca_private_key_passphrase = "unused"
  ca_private_key            = {}
  host_private_keys         = {}
  client_private_keys       = {}
  delivery_ssh              = {}

  organization = "Example"
  hosts = {
    web1 = { dns_names = ["*.example.com", "web1.example.com"], ip_addresses = ["10.0.0.5"] }
    web2 = { ip_addresses = ["fd00::6"] }
    web3 = { dns_names = ["web3.example.com"], address = "2001:db8::1" }
    web4 = { dns_names = ["docker_in_docker"], address = "[fd00::4]" }
  }
  clients = ["ci", "ops"]
  daemon  = { port = null } # what a variable of the caller holds that nobody set
}

run "one_call" {
  assert {
    condition     = toset(keys(output.user_data)) == toset(["web1", "web2", "web3", "web4"]) && alltrue([for text in values(output.user_data) : startswith(text, "#cloud-config\n")])
    error_message = "Each host needs its cloud-config."
  }

  assert {
    condition     = alltrue([for files in values(output.client_files) : toset(keys(files)) == toset(["ca.pem", "cert.pem", "key.pem"])])
    error_message = "Each client needs ca.pem, cert.pem and key.pem."
  }

  assert {
    condition     = provider::docker::parse_certificate(output.client_files["ci"]["cert.pem"]).subject.distinguished_name == "CN=ci,O=Example"
    error_message = "The client must be called ci of Example."
  }

  assert {
    condition = alltrue([
      for cert in concat(values(output.server_certs), values(output.client_certs)) :
      provider::docker::parse_certificate(cert.cert_pem).authority_key_id == provider::docker::parse_certificate(output.ca.cert_pem).subject_key_id
    ])
    error_message = "All certificates must be of the one authority."
  }

  assert {
    condition     = strcontains(base64decode(output.contexts["ci"]["web2"]), "tcp://[fd00::6]:2376")
    error_message = "The context must lead to the host's address."
  }

  assert {
    condition     = strcontains(base64decode(output.contexts["ci"]["web3"]), "tcp://[2001:db8::1]:2376") && strcontains(base64decode(output.contexts["ci"]["web4"]), "tcp://[fd00::4]:2376")
    error_message = "An IPv6 address must stand in brackets, written with them or without."
  }

  assert {
    condition     = strcontains(base64decode(output.contexts["ops"]["web1"]), "tcp://web1.example.com:2376")
    error_message = "The context must not lead to a wildcard."
  }

  assert {
    condition     = alltrue([for cert in concat(values(output.server_certs), values(output.client_certs)) : cert.ca_cert_pem == output.ca_cert_pem])
    error_message = "All certificates must come with the roots of the one authority."
  }

  assert {
    condition     = output.ca_cert_pem == output.ca.cert_pem && length(output.ca.private_key_pem) > 0
    error_message = "The output ca must be able to sign."
  }
}

run "lifetimes_and_settings" {
  variables {
    key_algorithm                = "ED25519"
    host_validity_period_hours   = 48
    client_validity_period_hours = 24
    ca_validity_period_hours     = 96
    user_data_format             = "ignition"
    daemon                       = { port = 2377, settings = { live-restore = true } }
  }

  assert {
    condition = alltrue([
      for cert in values(output.server_certs) : cert.validity_end_time == timeadd(cert.validity_start_time, "49h") # it begins an hour ago
    ])
    error_message = "The certificates of the hosts must be valid for 48 hours."
  }

  assert {
    condition     = output.client_certs["ci"].key_algorithm == "ED25519" && output.client_certs["ci"].validity_period_hours == 24
    error_message = "The clients must have the chosen algorithm and validity."
  }

  assert {
    condition     = jsondecode(output.user_data["web1"]).ignition.version == "3.4.0" && strcontains(output.user_data["web1"], "ListenStream=2377")
    error_message = "The user data must be Ignition's, with the chosen port."
  }

  assert {
    condition     = strcontains(base64decode(output.contexts["ci"]["web1"]), ":2377")
    error_message = "The context must lead to the chosen port."
  }
}

run "rotation" {
  variables {
    ca_rotation_triggers = { date = "2030-06" }
  }

  assert {
    condition     = output.ca.generation == 3 && length(output.ca.cross_signed_cert_pem) > 0
    error_message = "The authority must have a third key (the run before made the second), which the old one certifies."
  }
}

run "nulls" {
  variables {
    hosts   = { web1 = { dns_names = [null, "web1.example.com"], ip_addresses = [null] }, web2 = { ip_addresses = [null, "fd00::6"] } }
    clients = ["ci", null]
  }

  assert {
    condition     = strcontains(base64decode(output.contexts["ci"]["web1"]), "tcp://web1.example.com:2376") && strcontains(base64decode(output.contexts["ci"]["web2"]), "tcp://[fd00::6]:2376")
    error_message = "A null is left out of the names of a host."
  }

  assert {
    condition     = toset(keys(output.client_certs)) == toset(["ci"])
    error_message = "A null is left out of the clients."
  }
}
