package federation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/entrafed/entrafed"
)

// MetadataOptions say how [FetchMetadata] works. The zero value is the safe one.
type MetadataOptions struct {
	// Now is the clock, that of the Federator. Nil: [time.Now].
	Now func() time.Time

	// InsecureLoopback allows http URLs whose host is localhost, 127.0.0.1 or ::1, for an identity provider on this machine.
	// It is safe only there: whoever can answer in the identity provider's place chooses whose assertions are believed.
	InsecureLoopback bool
}

// ownTimeout is how long an answer may take, where the client does not say.
const ownTimeout = 10 * time.Second

// FetchMetadata reads the metadata of an identity provider from its URL, by https, and its clock from the answer. At most
// 1 MiB is read, and no redirect is followed, whatever the client would do: who the identity provider is must be said by
// whoever trusts it. The client nil is one that takes 10 seconds.
//
// An answer that is not metadata matches [ErrMetadata]; see [ReadMetadata]. Without a Date in the answer, Time is zero.
func FetchMetadata(ctx context.Context, client *http.Client, address string,
	options MetadataOptions) (IdentityProvider, error) {
	if err := (entrafed.Cloud{InsecureLoopback: options.InsecureLoopback}).CheckURL(address); err != nil {
		return IdentityProvider{}, fmt.Errorf("federation: the metadata URL cannot be used: %w", err)
	}
	now := options.Now
	if now == nil {
		now = time.Now
	}
	document, header, err := fetch(ctx, withoutRedirects(client), address)
	if err != nil {
		return IdentityProvider{}, fmt.Errorf("federation: the metadata cannot be read from %s: %w", address, err)
	}
	read := now()
	idp, err := ReadMetadata(document)
	if err != nil {
		return IdentityProvider{}, fmt.Errorf("%w (read from %s)", err, address)
	}
	if said := timeOf(header); !said.IsZero() {
		idp.Time, idp.TimeRead = said, read
	}
	return idp, nil
}

// withoutRedirects is a copy of the client, or one of its own for nil, that returns a redirect itself.
func withoutRedirects(client *http.Client) *http.Client {
	c := http.Client{Timeout: ownTimeout}
	if client != nil {
		c = *client
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func fetch(ctx context.Context, client *http.Client, address string) ([]byte, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1")
	request.Header.Set("Cache-Control", "no-cache") // the clock is asked for as well
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if location, err := response.Location(); err == nil && response.StatusCode/100 == 3 {
		return nil, nil, fmt.Errorf("it leads on to %s: give that URL, if it is the identity provider's", location.Redacted())
	}
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("the answer is %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxMetadata+1))
	if err != nil {
		return nil, nil, err
	}
	if len(document) > maxMetadata {
		return nil, nil, errors.Join(ErrMetadata, fmt.Errorf("it has more than %d bytes", maxMetadata))
	}
	return document, response.Header, nil
}

// timeOf is what the clock of the server says: the Date of the answer, and for how long a cache has kept it.
func timeOf(header http.Header) time.Time {
	said, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	if age, err := strconv.ParseUint(header.Get("Age"), 10, 31); err == nil {
		said = said.Add(time.Duration(age) * time.Second)
	}
	return said.UTC()
}
