using System.Text.Json;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Integrations.Extraction;

/// <summary>The answer of a model, before any of it is believed.</summary>
internal sealed record ModelAnswer(MailTopic? Kind, IReadOnlyList<ModelOrder> Orders, bool InvoicePresent, double Confidence)
{
    private const int MostOrders = 20;
    private const int MostNumbers = 50;
    private const double DefaultConfidence = 0.5;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16, AllowTrailingCommas = true };

    /// <summary>Null: the text is no JSON object with a list of orders. Some models put it into a code block.</summary>
    public static ModelAnswer? Read(string text)
    {
        var (open, close) = (text.IndexOf('{', StringComparison.Ordinal), text.LastIndexOf('}'));
        if (open < 0 || close < open)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(text.AsMemory(open, close - open + 1), Options);
            var root = json.RootElement;
            if (root.ValueKind is not JsonValueKind.Object || root.Part("orders") is not { ValueKind: JsonValueKind.Array })
            {
                return null;
            }

            return new(
                Enum.TryParse<MailTopic>(root.Text("kind"), ignoreCase: true, out var kind) && Enum.IsDefined(kind) ? kind : null,
                [.. root.Items("orders").Where(order => order.ValueKind is JsonValueKind.Object).Take(MostOrders).Select(ReadOrder)],
                root.Part("invoicePresent") is { ValueKind: JsonValueKind.True },
                Math.Clamp(root.Number("confidence") ?? DefaultConfidence, 0, 1));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ModelOrder ReadOrder(JsonElement order) => new(
        Row.Cut(order.Text("merchant"), 80),
        Row.Cut(order.Text("storeName"), 80),
        order.Text("orderNumber") is { Length: <= 64 } number ? number : null,
        Row.Cut(order.Text("itemsSummary"), 300),
        order.Number("valueTotal") is >= 0 and < 1e9 and var total ? (decimal)total : null,
        order.Text("currency") is { Length: <= 8 } currency ? currency : null,
        [
            .. order.Items("trackingNumbers").Where(item => item.ValueKind is JsonValueKind.String).Take(MostNumbers)
                .Select(LenientJsonString.Read).Where(item => item.Length <= 80)],
        order.Text("carrier") is { Length: <= 40 } carrier ? carrier : null);
}

/// <summary>An order as a model describes it.</summary>
internal sealed record ModelOrder(
    string? Merchant, string? StoreName, string? OrderNumber, string? ItemsSummary, decimal? Total, string? Currency,
    IReadOnlyList<string> TrackingNumbers, string? Carrier);
