import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Prints GET /version of https://HOST:PORT, with the ca.pem, cert.pem, and key.pem of DIRECTORY. */
public class Client {
    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[2]);
        KeyStore trusted = emptyStore();
        for (Certificate root : certificates(directory.resolve("ca.pem"))) {
            trusted.setCertificateEntry("root" + trusted.size(), root);
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);

        KeyStore own = emptyStore();
        own.setKeyEntry("own", privateKey(directory.resolve("key.pem")), new char[0], certificates(directory.resolve("cert.pem")));
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, new char[0]);

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        HttpsURLConnection connection =
                (HttpsURLConnection) URI.create("https://" + args[0] + ":" + args[1] + "/version").toURL().openConnection();
        connection.setSSLSocketFactory(context.getSocketFactory());
        connection.setConnectTimeout(30_000);
        connection.setReadTimeout(30_000);
        System.out.write(connection.getInputStream().readAllBytes());
        System.out.flush();
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        return store;
    }

    private static Certificate[] certificates(Path file) throws GeneralSecurityException, IOException {
        try (var in = Files.newInputStream(file)) {
            return CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(new Certificate[0]);
        }
    }

    /** Reads an unencrypted PKCS#8 key, the only encoding that Java knows. */
    private static PrivateKey privateKey(Path file) throws GeneralSecurityException, IOException {
        String base64 = Files.readString(file).replaceAll("-----(BEGIN|END) PRIVATE KEY-----|\\s", "");
        var spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64));
        for (String algorithm : new String[] {"EC", "RSA", "EdDSA"}) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException e) {
                // a key of another algorithm
            }
        }
        throw new InvalidKeySpecException("key.pem holds no EC, RSA, or EdDSA key in PKCS#8");
    }
}
