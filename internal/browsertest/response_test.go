package browsertest

import (
	"encoding/base64"
	"fmt"
	"net/url"

	"github.com/stretchr/testify/require"
)

// answered returns the SAML response that this tab posted to the tenant.
func (v *visitor) answered(site quickstart) string {
	v.t.Helper()
	response, err := base64.StdEncoding.DecodeString(v.posted(site).Get("SAMLResponse"))
	require.NoError(v.t, err)
	return string(response)
}

// posted returns the form that this tab posted to the tenant.
func (v *visitor) posted(site quickstart) url.Values {
	v.t.Helper()
	for _, sent := range v.did.requestsOf(site.tenant + "/login.srf") {
		form, err := url.ParseQuery(string(sent.Body))
		require.NoError(v.t, err)
		if form.Has("SAMLResponse") {
			return form
		}
	}
	require.Fail(v.t, "no response was posted")
	return nil
}

// postsTheResponseAgain does what somebody would do who got hold of it.
func (v *visitor) postsTheResponseAgain(site quickstart) {
	v.t.Helper()
	form := v.posted(site)
	evaluate[bool](v, fmt.Sprintf(`(() => {
		const form = document.createElement("form");
		form.method = "post";
		form.action = %s;
		for (const [name, value] of [["SAMLResponse", %s], ["RelayState", %s]]) {
			form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
		}
		document.body.append(form);
		form.submit();
		return true;
	})()`, quoted(site.tenant+"/login.srf"), quoted(form.Get("SAMLResponse")), quoted(form.Get("RelayState"))))
}
