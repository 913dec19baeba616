package cashier

import (
	"strings"

	"github.com/actprotocol/act-go/examples/processor/internal/page"
)

// words are those of the page.
type words struct {
	Confirm, Paid, Closed, Cancelled, Failed                        string // titles
	YouPay, Amount, To, Method, Order, AskedBy, From, Until, PaidAt string
	Pay, Cancel                                                     string
	Before, NothingPaid, NothingMoved, YouCancelled                 string
	byPasskey, byDevice, confirmed                                  string
}

var texts = map[page.Language]words{
	page.English: {
		Confirm: "Confirm this payment", Paid: "Paid", Closed: "Not paid", Cancelled: "Cancelled", Failed: "This did not work",
		YouPay: "You pay", Amount: "Amount", To: "To", Method: "Payment method", Order: "Order", AskedBy: "Asked by", From: "From the account of", Until: "Open until", PaidAt: "Paid at",
		Pay: "Pay", Cancel: "Cancel payment",
		Before:      "Nothing is moved or held before you confirm, here with your passkey or on a paired device.",
		NothingPaid: "Nothing was paid.", NothingMoved: "Nothing was moved.", YouCancelled: "This payment was cancelled.",
		byPasskey: "You confirmed this payment with your passkey.", byDevice: "You confirmed this payment on your paired device.", confirmed: "You confirmed this payment.",
	},
	page.Chinese: {
		Confirm: "确认付款", Paid: "已支付", Closed: "未支付", Cancelled: "已取消", Failed: "操作未成功",
		YouPay: "您将支付", Amount: "金额", To: "收款方", Method: "支付方式", Order: "订单号", AskedBy: "请求方", From: "付款账户所有人", Until: "有效期至", PaidAt: "支付时间",
		Pay: "支付", Cancel: "取消付款",
		Before:      "在您用通行密钥或已配对的设备确认之前，不会划转或冻结任何款项。",
		NothingPaid: "没有支付任何款项。", NothingMoved: "没有划转任何款项。", YouCancelled: "这笔付款已被取消。",
		byPasskey: "您已用通行密钥确认这笔付款。", byDevice: "您已在配对的设备上确认这笔付款。", confirmed: "您已确认这笔付款。",
	},
}

// how says in which way the principal has confirmed.
func (w words) how(method string) string {
	switch {
	case strings.HasPrefix(method, "passkey:"):
		return w.byPasskey
	case strings.HasPrefix(method, "device:"):
		return w.byDevice
	}
	return w.confirmed
}
