using System.Net;
using System.Text;

namespace Sendcat.Integrations.Extraction;

/// <summary>
/// Texts that a process extracts before its first job: one goes the way of a merchant's mail, the other the way of a user's message that a
/// model reads. So the code is compiled, and the patterns have built the states that they need for usual texts. No request leaves the
/// process.
/// </summary>
internal static class ExtractionRehearsal
{
    /// <summary>Two times: the first compiles, and the second runs what was loaded late.</summary>
    public const int Rounds = 2;

    private const string Number = "113-0000000-0000000";

    /// <summary>A mail of a merchant, with HTML, links and markup.</summary>
    public static readonly ReadOnlyMemory<byte> Mail = Encoding.UTF8.GetBytes(
        $$$"""
        From: Amazon <auto-confirm@amazon.com>
        To: someone@example.com
        Subject: Your Amazon.com order {{{Number}}} has shipped
        Date: Mon, 02 Nov 2026 10:00:00 +0000
        Message-ID: <rehearsal@example.com>
        Authentication-Results: mx.google.com; dkim=pass header.i=@amazon.com; spf=pass; dmarc=pass header.from=amazon.com
        MIME-Version: 1.0
        Content-Type: multipart/alternative; boundary=part

        --part
        Content-Type: text/plain; charset=utf-8

        Hello, your package was shipped. Order {{{Number}}}
        --part
        Content-Type: text/html; charset=utf-8

        <html><head><style>.hidden { display: none } p { color: #111 }</style>
        <script type="application/ld+json">
        {"@context":"http://schema.org","@type":"ParcelDelivery","trackingNumber":"1Z5W7A880342719064",
        "partOfOrder":{"@type":"Order","orderNumber":"{{{Number}}}","merchant":{"@type":"Organization","name":"Amazon.com"} } }
        </script></head><body><div class="hidden">not to be seen</div>
        <table><tr><td>Order #</td><td><a href="https://www.amazon.com/o/{{{Number}}}">{{{Number}}}</a></td></tr>
        <tr><td>Quantity: 1</td><td>Kettle &amp; lid</td></tr><tr><td>Total:</td><td>$20.00</td></tr></table>
        <p>Tracking number <a href="https://www.ups.com/track?tracknum=1Z5W7A880342719064">1Z5W7A880342719064</a></p></body></html>
        --part--

        """.ReplaceLineEndings("\r\n"));

    /// <summary>A message of a user.</summary>
    public const string Message = $"Thanks for your order {Number} at the shop\nItems: 1 kettle\nTotal: $20.00\nTracking 1Z5W7A880342719064";

    /// <summary>The response of a model to <see cref="Message"/>.</summary>
    private static readonly byte[] Response = Encoding.UTF8.GetBytes(
        $$$"""
        {"id":"rehearsal","object":"chat.completion","created":0,"model":"rehearsal","choices":[{"index":0,"finish_reason":"stop","message":
        {"role":"assistant","content":"{\"kind\":\"order\",\"orders\":[{\"merchant\":\"shop\",\"storeName\":null,\"orderNumber\":\"{{{Number}}}\",
        \"itemsSummary\":\"1 kettle\",\"valueTotal\":20.0,\"currency\":\"USD\",\"trackingNumbers\":[\"1Z5W7A880342719064\"],\"carrier\":\"UPS\"}],
        \"invoicePresent\":false,\"confidence\":0.9}"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}
        """.ReplaceLineEndings(""));

    /// <summary>A handler that answers every request as the model, without a network.</summary>
    public static HttpMessageHandler Model() => new BuiltInModel();

    private sealed class BuiltInModel : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            // The request is written, as it is for a network.
            await (request.Content?.LoadIntoBufferAsync(cancellationToken) ?? Task.CompletedTask);
            return new(HttpStatusCode.OK)
            {
                RequestMessage = request,
                Content = new ByteArrayContent(Response) { Headers = { ContentType = new("application/json") } },
            };
        }
    }
}
