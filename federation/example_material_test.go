package federation_test

// exampleCertificate is a certificate of the examples; nobody has its key.
const exampleCertificate = "" +
	"MIICqzCCAZOgAwIBAgIBATANBgkqhkiG9w0BAQsFADAZMRcwFQYDVQQDEw5pZC5jb250b3NvLmNvbTAeFw0yNjAxMDEwMDAwMDBa" +
	"Fw00NjAxMDEwMDAwMDBaMBkxFzAVBgNVBAMTDmlkLmNvbnRvc28uY29tMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" +
	"7MyLXBWwH9z+2Io+dsS3TQgsNeefMnLV9UJ1u7Mgq8K9gvEPW2BK7ckxSWUjjViHasuOaS3rcGeRBxicjsOxZKSd9q8hkDWi4Xj9" +
	"pX24cdQ90egsBpJlNHa5ZWhoy0Z5t7LaXZu4zWiSB9/Ukg9E2Z3svXWjAS3GNay6USwqKZUx5Q3FdixPflPaFvri43pPcogesYOS" +
	"cYbXfItmftM5B5+CZCmWbRejVp9aC9bke3Ybn2EDkGI7oT2VeXsQIJkDvFa5oGps4tPRJ+ofeX8wCQjyrBPP/QIqE2FMfDp7RiIU" +
	"cD/xgYEckGZhe2/Fb13XV+HfqkW1+bqa2jHOVMoTQwIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQDUI14IE3TZv4rsKVy3BaEFLCbW" +
	"t/yqfE32oDlRwEjvE2gUhmE5of9242K35dg88csMoeZWD3a60ajQXgS1+blr1Gbo75HB3m8UxB8ePfANM/vVeBaZeod4ErCmADe3" +
	"0DjKQN/50N4Zj4BN0fQzTBTtXCoHNQotCMjI5xzRe+KonPE4ZremtEu15hqw4e5hkUlAbpNXaG5e78OjE9fCHDeoqe/hTjF7KmxN" +
	"fgYatraILG6GOBN+7jzesS0WdNk8FXf8ykXyDRaSkVPGcmG44MwgaPaljLQNJL8XQy75B8nxTrNdDnIYf01zInVMmaRz5cmBZjQ6" +
	"dFlQ8+e/rNUBIHNe"

// exampleMetadata is that of an identity provider.
const exampleMetadata = `<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://id.contoso.com/entra/">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing">
      <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">
        <X509Data><X509Certificate>` + exampleCertificate + `</X509Certificate></X509Data>
      </KeyInfo>
    </KeyDescriptor>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://id.contoso.com/entra/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>
`
