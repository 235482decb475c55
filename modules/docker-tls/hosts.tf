# How each daemon is set up, and where it is reached.

locals {
  # The options of each daemon: what all have, and what the host has of its own.
  daemons = {
    for name, host in var.hosts : name => merge(
      var.daemon,
      host.listen_address == null ? {} : { address = host.listen_address },
      host.clients == null ? {} : { clients = host.clients },
    )
  }

  port = coalesce(try(var.daemon.port, null), 2376)

  # The port follows, so an IPv6 address goes in brackets.
  addresses = {
    for name, host in var.hosts : name => one([
      for address in slice(concat(
        host.address[*],
        [for n in host.dns_names : n if n == null ? false : !startswith(n, "*.")],
        [for ip in host.ip_addresses : ip if ip != null],
        [null],
      ), 0, 1) : address == null ? null : strcontains(address, ":") && !startswith(address, "[") ? "[${address}]" : address
    ])
  }
  address_by_default = "By default it is one of dns_names without a wildcard, or one of ip_addresses; a request is not read."
}
