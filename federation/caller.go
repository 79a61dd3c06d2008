package federation

import (
	"context"
	"errors"
	"time"
)

// How often a call is made, and how long it waits in between: a tenant that fails for longer than two minutes is reported.
const (
	callAttempts = 6
	callPause    = 2 * time.Second // doubles
	longestPause = time.Minute     // also of a Retry-After: what asks for more is reported
)

// read makes a call that changes nothing, again when the tenant throttles or fails.
func read[T any](ctx context.Context, f *Federator, call func(context.Context) (T, error)) (T, error) {
	return attempts(ctx, f, call, func(err error) bool {
		return errors.Is(err, ErrThrottled) || errors.Is(err, ErrUnavailable)
	})
}

// write makes a call that changes something, again only when the tenant throttled it: then nothing was done. After any other
// failure the caller reads what became of it.
func write(ctx context.Context, f *Federator, call func(context.Context) error) error {
	_, err := attempts(ctx, f, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) },
		func(err error) bool { return errors.Is(err, ErrThrottled) })
	return err
}

func attempts[T any](ctx context.Context, f *Federator, call func(context.Context) (T, error),
	again func(error) bool) (result T, err error) {
	pause := callPause
	for attempt := 1; ; attempt++ {
		result, err = call(ctx)
		if err == nil || attempt == callAttempts || ctx.Err() != nil || !again(err) {
			return result, err
		}
		wait := pause
		var answer *DirectoryError
		if errors.As(err, &answer) && answer.RetryAfter > 0 {
			wait = answer.RetryAfter
		}
		if wait > longestPause {
			return result, err
		}
		f.log.WarnContext(ctx, "federation: trying again", "wait", wait, "error", err)
		if err := f.sleep(ctx, wait); err != nil {
			return result, err
		}
		pause *= 2
	}
}
