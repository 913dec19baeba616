package stage

import (
	"context"
	"errors"
	"slices"
)

// Unmoved runs something that must move no money, and compares every account
// before and after, when the processor knows of all that was delivered.
func (w *World) Unmoved(ctx context.Context, act func(context.Context) error) error {
	if err := w.Flush(ctx); err != nil {
		return err
	}
	before, err := w.Book.Accounts(ctx)
	if err != nil {
		return err
	}
	if err := act(ctx); err != nil {
		return err
	}
	after, err := w.Book.Accounts(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return errors.New("money has moved")
	}
	return nil
}
