package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	abstractions "github.com/microsoft/kiota-abstractions-go"
)

const tokenOperation = "token"

// access puts the token on requests to one origin. It stands where kiota's provider would, which sends a request to a
// host that it does not know without a token, and without an error.
type access struct {
	credential azcore.TokenCredential
	origin     *url.URL
	now        func() time.Time
}

// Authorize obtains a token, or says why there is none.
func (c *Client) Authorize(ctx context.Context) error {
	return c.do(ctx, tokenOperation, func(ctx context.Context) error {
		_, err := c.access.token(ctx)
		return err
	})
}

// AuthenticateRequest implements kiota's AuthenticationProvider.
func (a *access) AuthenticateRequest(ctx context.Context, request *abstractions.RequestInformation,
	_ map[string]any) error {
	target, err := request.GetUri()
	if err != nil {
		return fmt.Errorf("the request has no usable URL: %w", err)
	}
	if target.Scheme != a.origin.Scheme || target.Host != a.origin.Host || target.User != nil {
		return fmt.Errorf("no token is sent to %s://%s, it is for %s", target.Scheme, target.Host, a.origin)
	}
	token, err := a.token(ctx)
	if err != nil {
		return err
	}
	request.Headers.Add("Authorization", "Bearer "+token)
	return nil
}

// token asks the credential, which caches. Continuous access evaluation is not asked for: its tokens live for a day and
// are revoked by a challenge, which would need a second request where one was promised.
func (a *access) token(ctx context.Context) (string, error) {
	options := policy.TokenRequestOptions{Scopes: []string{a.origin.String() + "/.default"}}
	token, err := a.credential.GetToken(ctx, options)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ctx.Err(), err) // azidentity's error does not wrap it
	}
	if err != nil {
		return "", a.refusal(err)
	}
	if token.Token == "" {
		return "", &Error{
			Operation: tokenOperation,
			Status:    http.StatusUnauthorized,
			Message:   "the credential returned an empty token and no error",
		}
	}
	return token.Token, nil
}

// refusal tells a credential that was not accepted (401) from a sign-in service that is overloaded or failing (its own
// status) and from one that did not answer (0).
func (a *access) refusal(cause error) *Error {
	resp, code := answerOf(cause)
	if resp == nil {
		return &Error{Operation: tokenOperation, Err: cause}
	}
	refusal := &Error{
		Operation:  tokenOperation,
		Status:     http.StatusUnauthorized,
		RequestID:  clip(resp.Header.Get("x-ms-request-id")),
		RetryAfter: retryAfter(resp.Header, a.now()),
		Err:        cause,
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
		refusal.Status = resp.StatusCode
	}
	refusal.Code, refusal.Message = explainRefusal(cause.Error(), code)
	return refusal
}

// answerOf finds the sign-in service's answer in a credential's error, and the error code if the error knows one.
// azidentity keeps the answer in a type of its own that wraps nothing.
func answerOf(err error) (answer *http.Response, code string) {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) {
		return failed.RawResponse, ""
	}
	var refused *azcore.ResponseError
	if errors.As(err, &refused) {
		return refused.RawResponse, refused.ErrorCode
	}
	return nil, ""
}

// signInError finds "AADSTS7000215: Invalid client secret provided. …" in JSON or in plain text.
var signInError = regexp.MustCompile(`(AADSTS\d{1,12}):\s*([^"\\\r\n]*)`)

func explainRefusal(text, knownCode string) (code, message string) {
	if found := signInError.FindStringSubmatch(text); found != nil {
		return found[1], clip(found[2])
	}
	firstLine, _, _ := strings.Cut(text, "\n")
	return clip(knownCode), clip(strings.TrimSpace(firstLine))
}
