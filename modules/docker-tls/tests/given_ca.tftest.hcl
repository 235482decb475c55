# The authority of another stack, with an encrypted key.

variables {
  # `terraform test` wants a value for each ephemeral variable.
  ca_private_key_passphrase = "correct horse battery staple"
  ca_private_key            = {}
  host_private_keys         = {}
  client_private_keys       = {}
  delivery_ssh              = {}
}

run "pki" {
  module {
    source = "./tests/authority"
  }
}

run "given" {
  variables {
    ca      = run.pki.ca
    hosts   = { web1 = { dns_names = ["web1.example.com"] } }
    clients = ["ci"]
  }

  assert {
    condition     = startswith(var.ca.private_key_pem, format("-----BEGIN %s-----", "ENCRYPTED PRIVATE KEY"))
    error_message = "This test is about an encrypted key."
  }

  assert {
    condition     = length(docker_tls_ca.this) == 0
    error_message = "No second authority may be made."
  }

  assert {
    condition     = output.ca_cert_pem == var.ca.cert_pem && output.client_files["ci"]["ca.pem"] == var.ca.cert_pem
    error_message = "Hosts and clients must trust the given authority."
  }

  assert {
    condition     = provider::docker::parse_certificate(output.server_certs["web1"].cert_pem).authority_key_id == provider::docker::parse_certificate(var.ca.cert_pem).subject_key_id
    error_message = "The given authority must issue the certificates."
  }
}

run "leaf_for_an_authority" {
  command = plan
  variables {
    ca = run.given.server_certs["web1"]
  }
  expect_failures = [var.ca]
}

run "host_of_its_own" {
  variables {
    ca     = null
    daemon = { directory = "/srv/tls", address = "10.9.9.9" }
    hosts = {
      web1 = { dns_names = ["web1.example.com"] }
      web2 = { dns_names = ["web2.example.com"], listen_address = "10.0.0.6", clients = [run.pki.ca] }
    }
  }

  assert {
    condition     = strcontains(output.user_data["web1"], "ListenStream=10.9.9.9:2376") && strcontains(output.user_data["web2"], "ListenStream=10.0.0.6:2376")
    error_message = "A host must listen on its own address, or on that of all."
  }

  assert {
    condition     = strcontains(output.user_data["web2"], split("\n", var.hosts["web2"].clients[0].cert_pem)[5]) && !strcontains(output.user_data["web2"], split("\n", output.ca_cert_pem)[5])
    error_message = "A host must let in the clients that it lists, and no others."
  }

  assert {
    condition     = strcontains(output.user_data["web1"], split("\n", output.ca_cert_pem)[5])
    error_message = "A host without a list must let in the clients of the module."
  }
}
