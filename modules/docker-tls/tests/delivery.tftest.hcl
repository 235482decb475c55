# What docker_tls_daemon is told, in plans only: nothing is delivered.

variables {
  hosts = {
    web1 = { dns_names = ["web1.example.com"], ip_addresses = ["10.0.0.5"], listen_address = "10.0.0.5" }
    web2 = { ip_addresses = ["fd00::6", "fd00::7"] }
  }
  clients = ["ops"]
  daemon  = { port = 2377, settings = { live-restore = true } }
}

run "off_by_default" {
  command = plan

  assert {
    condition     = length(docker_tls_daemon.host) == 0 && output.delivered == {}
    error_message = "Nobody asked for a delivery."
  }
}

run "all" {
  command = plan
  variables {
    deliver  = true
    delivery = { timeout = "2m" }
  }

  assert {
    condition     = docker_tls_daemon.host["web1"].host == "tcp://web1.example.com:2377" && docker_tls_daemon.host["web2"].host == "tcp://[fd00::6]:2377"
    error_message = "Hosts must be reached where contexts reach them."
  }

  assert {
    condition     = docker_tls_daemon.host["web1"].options == { port = 2377, address = "10.0.0.5", settings = { live-restore = true } } && docker_tls_daemon.host["web1"].timeout == "2m" && docker_tls_daemon.host["web1"].restart == null
    error_message = "Hosts must get what user data has."
  }
}

run "one_of_them" {
  command = plan
  variables {
    delivery           = { client = "ops", timeout = "2m" }
    delivery_overrides = { web2 = { enabled = true, address = "fd00::7", certificates_only = true, timeout = "9m", restart = "none" } }
  }

  assert {
    condition     = keys(docker_tls_daemon.host) == ["web2"] && docker_tls_daemon.host["web2"].host == "tcp://[fd00::7]:2377"
    error_message = "One host must be delivered to, where its own address is."
  }

  assert {
    condition     = docker_tls_daemon.host["web2"].options == null && docker_tls_daemon.host["web2"].timeout == "9m" && docker_tls_daemon.host["web2"].restart == "none"
    error_message = "The host must have what is its own."
  }
}

run "all_but_one" {
  command = plan
  variables {
    deliver            = true
    delivery           = { jump_host = "ssh://ops@jump.example.com", jump_host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILuW5rOgmzNbVVYQIDwz0BMhOs3hjfSR6sh8EJX4nWWO" }
    delivery_overrides = { web2 = { enabled = false }, web1 = { via = "ssh://root@10.0.0.5", host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILuW5rOgmzNbVVYQIDwz0BMhOs3hjfSR6sh8EJX4nWWO" } }
  }

  assert {
    condition     = keys(docker_tls_daemon.host) == ["web1"]
    error_message = "A host that is away is left out."
  }
}

run "overrides_that_are_null" {
  command = plan
  variables {
    deliver            = true
    delivery           = { timeout = "2m" }
    delivery_overrides = { web1 = null }
  }

  assert {
    condition     = keys(docker_tls_daemon.host) == ["web1", "web2"] && docker_tls_daemon.host["web1"].host == "tcp://web1.example.com:2377" && docker_tls_daemon.host["web1"].timeout == "2m"
    error_message = "A host whose overrides are null has what all have."
  }
}

run "jump_host_of_its_own" {
  command = plan
  variables {
    deliver  = true
    delivery = { jump_host = "ssh://ops@jump.example.com", jump_host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILuW5rOgmzNbVVYQIDwz0BMhOs3hjfSR6sh8EJX4nWWO" }
    delivery_overrides = {
      web1 = { via = "ssh://root@10.0.0.5" }
      web2 = { via = "ssh://root@10.0.0.6", jump_host = "ssh://ops@other.example.com" }
    }
  }

  assert {
    condition     = { for name, own in local.delivered : name => [own.jump_host, own.jump_host_key] } == { web1 = [var.delivery.jump_host, var.delivery.jump_host_key], web2 = ["ssh://ops@other.example.com", null] }
    error_message = "The key of one jump host may not be expected of another one."
  }
}

run "no_address_of_its_own" {
  command = plan
  variables {
    deliver            = true
    hosts              = { web = { dns_names = ["*.example.com"] }, away = { cert_request_pem = file("tests/kept.csr") } }
    clients            = []
    delivery_overrides = { web = { address = "web.example.com" }, away = { enabled = false } }
  }

  assert {
    condition     = docker_tls_daemon.host["web"].host == "tcp://web.example.com:2377" && output.contexts == {}
    error_message = "An address that nobody calls may be missing."
  }
}
