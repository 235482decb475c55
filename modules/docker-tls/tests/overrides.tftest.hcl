# What the authority, a host or a client has of its own.

variables {
  # `terraform test` wants a value for each ephemeral variable.
  ca_private_key_passphrase = "unused"
  ca_private_key            = {}
  host_private_keys         = {}
  client_private_keys       = {}
  delivery_ssh              = {}

  organization = "Example"
  hosts = {
    web1 = { dns_names = ["web1.example.com"] }
    web2 = { dns_names = ["web2.example.com"] }
  }
  clients = ["ci", "ops"]
}

run "all" {
  variables {
    ca_subject                 = { organizational_unit = "Platform", country = "AT" }
    ca_key_algorithm           = "ECDSA_P384"
    ca_early_renewal_hours     = 1000
    ca_name_constraints        = { permitted_dns_domains = ["example.com"] }
    host_early_renewal_hours   = 200
    client_early_renewal_hours = 100
    host_rotation_triggers     = { fleet = "1" }
    client_rotation_triggers   = { fleet = "1" }
  }

  assert {
    condition     = docker_tls_ca.this[0].key_algorithm == "ECDSA_P384" && docker_tls_ca.this[0].early_renewal_hours == 1000 && output.renewal_after.authority == docker_tls_ca.this[0].renewal_time
    error_message = "The authority must have its own algorithm and window."
  }

  assert {
    condition     = docker_tls_ca.this[0].subject.organization == "Example" && docker_tls_ca.this[0].subject.organizational_unit == "Platform" && docker_tls_ca.this[0].subject.country == "AT" && docker_tls_ca.this[0].subject.common_name == "Docker CA"
    error_message = "The authority's subject must have the parts of all variables."
  }

  assert {
    condition     = docker_tls_ca.this[0].name_constraints.permitted_dns_domains == tolist(["example.com"])
    error_message = "The authority must have its name constraints."
  }

  assert {
    condition = alltrue(concat(
      [for cert in values(output.server_certs) : cert.early_renewal_hours == 200 && cert.key_algorithm == "ECDSA_P256" && cert.rotation_triggers == tomap({ fleet = "1" })],
      [for cert in values(output.client_certs) : cert.early_renewal_hours == 100 && cert.key_algorithm == "ECDSA_P256" && cert.rotation_triggers == tomap({ fleet = "1" })],
    ))
    error_message = "All must have what is said of all."
  }

  assert {
    condition     = output.renewal_after.hosts["web1"] == timeadd(output.server_certs["web1"].validity_end_time, "-200h") && output.renewal_after.clients["ci"] == timeadd(output.client_certs["ci"].validity_end_time, "-100h")
    error_message = "The output must say when each is renewed."
  }

  assert {
    condition     = output.renewal_due == { authority = false, hosts = [], clients = [] }
    error_message = "Nothing may be due."
  }

  assert {
    condition     = length(output.inventory) == 5 && alltrue([for entry in output.inventory : entry.renewal_time != null]) && length(regexall("x509_cert_not_after", output.metrics)) >= 5
    error_message = "The inventory and the metrics must have the authority, the hosts and the clients."
  }

  assert {
    condition     = output.host_files == {} && output.server_files == {}
    error_message = "Nobody asked for files."
  }

  assert {
    condition     = !strcontains(jsonencode([output.inventory, output.metrics, output.renewal_after]), "PRIVATE KEY")
    error_message = "The inventory must hold no secret."
  }
}

run "one_of_them" {
  variables {
    host_files               = true
    host_rotation_triggers   = { fleet = "1" }
    client_rotation_triggers = { fleet = "1" }
    hosts = {
      web1 = {
        dns_names             = ["web1.example.com"]
        subject               = { organization = "Web", street_address = ["Main Street 1"] }
        key_algorithm         = "RSA_2048"
        validity_period_hours = 48
        early_renewal_hours   = 12
        reuse_private_key     = true
        rotation_triggers     = { own = "1" }
        user_data_format      = "ignition"
        layout                = "dind"
      }
      web2 = { dns_names = ["web2.example.com"] }
    }
    client_overrides = {
      ci = {
        subject               = { common_name = "ci-runner", organizational_unit = "CI" }
        key_algorithm         = "ED25519"
        validity_period_hours = 24
        early_renewal_hours   = 6
        reuse_private_key     = true
        rotation_triggers     = { own = "1" }
        layout                = "registry"
      }
    }
  }

  assert {
    condition = (output.server_certs["web1"].key_algorithm == "RSA_2048" && output.server_certs["web1"].validity_period_hours == 48 && output.server_certs["web1"].early_renewal_hours == 12 &&
    output.server_certs["web1"].reuse_private_key && output.server_certs["web1"].rotation_triggers == tomap({ fleet = "1", own = "1" }))
    error_message = "The host must have what is its own."
  }

  assert {
    condition = (output.client_certs["ci"].key_algorithm == "ED25519" && output.client_certs["ci"].validity_period_hours == 24 && output.client_certs["ci"].early_renewal_hours == 6 &&
    output.client_certs["ci"].reuse_private_key && output.client_certs["ci"].rotation_triggers == tomap({ fleet = "1", own = "1" }))
    error_message = "The client must have what is its own."
  }

  assert {
    condition     = toset(split(",", provider::docker::parse_certificate(output.server_certs["web1"].cert_pem).subject.distinguished_name)) == toset(["CN=web1.example.com", "STREET=Main Street 1", "O=Web"])
    error_message = "The host must have its own subject."
  }

  assert {
    condition     = provider::docker::parse_certificate(output.client_certs["ci"].cert_pem).subject.distinguished_name == "CN=ci-runner,OU=CI,O=Example"
    error_message = "The client must have its own subject, and the organization of all."
  }

  assert {
    condition     = output.server_certs["web2"].key_algorithm == "ECDSA_P256" && output.client_certs["ops"].key_algorithm == "ECDSA_P256" && output.server_certs["web2"].rotation_triggers == tomap({ fleet = "1" })
    error_message = "The others must have what all have."
  }

  assert {
    condition     = startswith(output.user_data["web1"], "{") && startswith(output.user_data["web2"], "#cloud-config")
    error_message = "A host must have its own format of user data."
  }

  assert {
    condition     = contains(keys(output.server_files["web1"]), "server/key.pem") && contains(keys(output.server_files["web2"]), "server-key.pem") && contains(keys(output.client_files["ci"]), "client.key") && contains(keys(output.client_files["ops"]), "key.pem")
    error_message = "Files must have the names of their layout."
  }

  assert {
    condition     = output.host_files["web1"]["/etc/docker/tls/server-key.pem"].permissions == "0400" && contains(keys(output.host_files["web1"]), "/etc/docker/daemon.json")
    error_message = "host_files must have all that a host is to have."
  }
}

run "validity_of_its_own" {
  command = plan
  variables {
    host_early_renewal_hours   = 2000
    client_early_renewal_hours = 1000
    hosts = {
      web1 = { dns_names = ["web1.example.com"], validity_period_hours = 45 }
      web2 = { dns_names = ["web2.example.com"] }
      web3 = { dns_names = ["web3.example.com"], early_renewal_hours = 3000 }
      web4 = { dns_names = ["web4.example.com"], validity_period_hours = 48, early_renewal_hours = 0 }
    }
    clients = ["ci", "ops", "monitor", "night"]
    client_overrides = {
      ci      = null
      ops     = { validity_period_hours = 24, subject = null }
      monitor = { early_renewal_hours = 3000 }
      night   = { validity_period_hours = 24, early_renewal_hours = 0 }
    }
  }

  assert {
    condition     = { for name, cert in docker_tls_server_cert.host : name => [cert.validity_period_hours, cert.early_renewal_hours] } == { web1 = [45, 15], web2 = [8760, 2000], web3 = [8760, 3000], web4 = [48, 0] }
    error_message = "A host with a validity of its own may not have the window of all hosts."
  }

  assert {
    condition     = { for name, cert in docker_tls_client_cert.client : name => [cert.validity_period_hours, cert.early_renewal_hours] } == { ci = [8760, 1000], ops = [24, 8], monitor = [8760, 3000], night = [24, 0] }
    error_message = "A client with a validity of its own may not have the window of all clients."
  }

  assert {
    condition     = docker_tls_client_cert.client["ci"].key_algorithm == "ECDSA_P256" && docker_tls_client_cert.client["ci"].subject.common_name == "ci"
    error_message = "A client whose overrides are null has what all have."
  }
}

run "pki" {
  variables {
    ca_private_key_passphrase = "correct horse battery staple"
  }
  module {
    source = "./tests/authority"
  }
}

run "daemons_of_a_client" {
  variables {
    client_overrides = { ci = { daemons = [run.pki.ca] } }
  }

  assert {
    condition     = output.client_files["ci"]["ca.pem"] == var.client_overrides["ci"].daemons[0].cert_pem && output.client_files["ops"]["ca.pem"] == output.ca_cert_pem
    error_message = "A client must trust the daemons of its own list, or those of the module."
  }
}

run "request" {
  variables {
    hosts            = { kept = { cert_request_pem = file("tests/kept.csr"), address = "10.0.0.9" } }
    client_overrides = { ci = { cert_request_pem = file("tests/kept.csr") } }
  }

  assert {
    condition     = output.server_certs["kept"].private_key_pem == null && provider::docker::parse_certificate(output.server_certs["kept"].cert_pem).dns_names == tolist(["kept.example.com"])
    error_message = "The host must keep its key, and have the names of its request."
  }

  assert {
    condition     = toset(keys(output.client_files["ci"])) == toset(["ca.pem", "cert.pem"]) && toset(keys(output.contexts)) == toset(["ops"])
    error_message = "A client that keeps its key has no key.pem and no context."
  }
}

run "no_keys" {
  command = plan
  variables {
    host_private_keys   = { web1 = null }
    client_private_keys = { ci = null }
  }

  assert {
    condition     = docker_tls_server_cert.host["web1"].key_algorithm == "ECDSA_P256" && docker_tls_client_cert.client["ci"].key_algorithm == "ECDSA_P256"
    error_message = "A key that is null is none."
  }
}

run "own_keys" {
  variables {
    hosts               = { web1 = { dns_names = ["web1.example.com"], private_key_pem_wo_version = 1 } }
    host_private_keys   = { web1 = run.pki.keys["host"] }
    client_overrides    = { ci = { private_key_pem_wo_version = 1 } }
    client_private_keys = { ci = run.pki.keys["client"] }
  }

  assert {
    condition     = output.server_certs["web1"].private_key_pem == null && output.client_certs["ci"].private_key_pem == null && output.client_certs["ops"].private_key_pem != null
    error_message = "A key of your own may not be stored."
  }
}

run "authority_with_a_key_of_its_own" {
  variables {
    ca_private_key         = { pem = run.pki.keys["first"] }
    ca_private_key_version = 1
    ca_rotation_triggers   = { key = "first" }
  }

  assert {
    condition     = docker_tls_ca.this[0].private_key_pem == null && alltrue([for cert in values(output.server_certs) : cert.ca_cert_pem == output.ca_cert_pem])
    error_message = "The key of the authority may not be stored, and must issue."
  }
}

run "authority_with_another_key_of_its_own" {
  variables {
    ca_private_key         = { pem = run.pki.keys["second"], previous_pem = run.pki.keys["first"] }
    ca_private_key_version = 2
    ca_rotation_triggers   = { key = "first" }
  }

  assert {
    condition     = docker_tls_ca.this[0].private_key_pem == null && length(docker_tls_ca.this[0].cross_signed_cert_pem) > 0
    error_message = "The key so far must certify its successor."
  }
}

run "authority_with_a_passphrase" {
  variables {
    ca_private_key_passphrase         = "correct horse battery staple"
    ca_private_key_passphrase_version = 1
    ca_private_key                    = { previous_pem = run.pki.keys["second"] }
    ca_rotation_triggers              = { key = "made" }
    clients                           = ["ci", "ops", "passphrase"]
  }

  assert {
    condition     = startswith(docker_tls_ca.this[0].private_key_pem, format("-----BEGIN %s-----", "ENCRYPTED PRIVATE KEY")) && contains(keys(output.client_certs), "passphrase")
    error_message = "The key of the authority must be encrypted, and must issue."
  }
}

run "authority_with_another_passphrase" {
  variables {
    ca_private_key_passphrase         = "another horse"
    ca_private_key                    = { previous_passphrase = "correct horse battery staple" }
    ca_private_key_passphrase_version = 2
    ca_rotation_triggers              = { key = "made" }
    clients                           = ["ci", "ops", "another"]
  }

  assert {
    condition     = contains(keys(output.client_certs), "another")
    error_message = "The authority must issue with its new passphrase."
  }
}
