package saml_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	dsig "github.com/russellhaering/goxmldsig"
)

func TestProbeDoS(t *testing.T) {
	idp := newIdP(t, requiring)
	good := signedRequest(t, entraSigner())
	var open, shut strings.Builder
	n := 0
	for i := range 29 {
		fmt.Fprintf(&open, "<e%d", i)
		for range 63 {
			fmt.Fprintf(&open, ` xmlns:p%d="u"`, n)
			n++
		}
		open.WriteString(">")
	}
	for i := 28; i >= 0; i-- {
		fmt.Fprintf(&shut, "</e%d>", i)
	}
	doc := strings.Replace(good, "</samlp:AuthnRequest>", open.String()+strings.Repeat("<x/>", 930)+shut.String()+"</samlp:AuthnRequest>", 1)
	t.Log(len(doc))
	start := time.Now()
	_, err := idp.ReadRequest(postRequest(doc, ""))
	t.Log(time.Since(start), err)
	start = time.Now()
	_, err = idp.ReadRequest(postRequest(good, ""))
	t.Log(time.Since(start), err)
}

func TestProbeQuery(t *testing.T) {
	good := signedQuery(t, entraSigner(), dsig.RSASHA256SignatureMethod, "")
	r, err := newIdP(t, requiring).ReadRequest(query(good + "&Relay%53tate=evil"))
	t.Log(r, err)
}

func TestProbeErr(t *testing.T) {
	doc := strings.Replace(signedRequest(t, entraSigner()), "http://www.w3.org/2000/09/xmldsig#rsa-sha1", strings.Repeat("\U000E0001", 12000), 1)
	_, err := newIdP(t, requiring).ReadRequest(postRequest(doc, ""))
	require.Error(t, err)
	t.Log(len(err.Error()))
	_, err = newIdP(t, requiring).ReadRequest(query("SAMLRequest=" + url.QueryEscape(deflated(plainRequest)) + "&Signature=AAAA&SigAlg=" + strings.Repeat("%00", 100000)))
	require.Error(t, err)
	t.Log(len(err.Error()))
	_, err = newIdP(t).ReadRequest(postRequest(child("<"+strings.Repeat("a", 50000)+":x/>"), ""))
	require.Error(t, err)
	t.Log(len(err.Error()))
}
