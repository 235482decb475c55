"""Prints GET /version of https://HOST:PORT, with the ca.pem, cert.pem, and key.pem of DIRECTORY."""
import http.client
import ssl
import sys

host, port, directory = sys.argv[1:]
context = ssl.create_default_context(cafile=f"{directory}/ca.pem")
context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
connection = http.client.HTTPSConnection(host, int(port), timeout=30, context=context)
connection.request("GET", "/version")
print(connection.getresponse().read().decode())
