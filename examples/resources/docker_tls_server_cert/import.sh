# The files of the certificate, of its private key, and of its authority's certificate. Without the last one the first
# plan records `ca`, and nothing else; without the key it stays where it is.
terraform import 'docker_tls_server_cert.host["web1"]' server-cert.pem,server-key.pem,ca.pem
