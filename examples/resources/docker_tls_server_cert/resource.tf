resource "docker_tls_ca" "this" {
  lifecycle { prevent_destroy = true }
}

resource "docker_tls_server_cert" "host" {
  for_each = { web1 = "10.0.0.5", web2 = "10.0.0.6" }

  ca           = docker_tls_ca.this
  dns_names    = ["${each.key}.example.com"]
  ip_addresses = [each.value, "127.0.0.1"]
}
