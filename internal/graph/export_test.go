package graph

import (
	"context"
	"net/url"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// ErrSDKPanic marks an answer over which the SDK panicked.
var ErrSDKPanic = errSDKPanic

// Authorization is the header that a request of the SDK to this URL would get.
func (c *Client) Authorization(ctx context.Context, target url.URL) ([]string, error) {
	request := abstractions.NewRequestInformation()
	request.SetUri(target)
	err := c.access.AuthenticateRequest(ctx, request, nil)
	return request.Headers.Get("Authorization"), err
}
