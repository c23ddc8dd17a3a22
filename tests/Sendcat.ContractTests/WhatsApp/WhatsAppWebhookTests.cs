using System.Net;
using System.Text;
using Sendcat.Integrations.WhatsApp;
using Sendcat.UpstreamEmulator.WhatsApp;

namespace Sendcat.ContractTests.WhatsApp;

/// <summary>What the webhook refuses: the documented status and code, nothing stored, and no secret in the response.</summary>
[Collection(WhatsAppCollection.Name)]
public sealed class WhatsAppWebhookTests(WhatsAppFixture fixture)
{
    private static readonly byte[] Message = Encoding.UTF8.GetBytes(
        """
        {"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
        "metadata":{"display_phone_number":"18765550100","phone_number_id":"106540352242922"},
        "messages":[{"from":"18769999999","id":"wamid.refused","timestamp":"1","type":"text",
        "text":{"body":"caf\u00e9 \ud83d\ude00 order 112-1234567-1234567"}}]}}]}]}
        """);

    private WhatsAppApi WhatsApp => fixture.Api;

    /// <summary>Name, signed body, what is sent, the signature (null: the right one of the signed body), status and code.</summary>
    public static TheoryData<string, byte[], byte[], string?, int, string> Refusals
    {
        get
        {
            var right = WhatsAppApi.SignatureOf(Message);
            var text = Encoding.UTF8.GetString(Message);
            byte[] Changed(string from, string to) => Encoding.UTF8.GetBytes(text.Replace(from, to, StringComparison.Ordinal));
            var refusals = new TheoryData<string, byte[], byte[], string?, int, string>
            {
                // Authentication.
                { "tampered byte", Message, Changed("112-1234567", "112-1234568"), null, 403, "forbidden" },
                { "unescaped letter", Message, Changed("\\u00e9", "é"), null, 403, "forbidden" },
                { "unescaped emoji", Message, Changed("\\ud83d\\ude00", "😀"), null, 403, "forbidden" },
                { "upper-case escape", Message, Changed("\\u00e9", "\\u00E9"), null, 403, "forbidden" },
                { "added blank", Message, [.. Message, (byte)' '], null, 403, "forbidden" },
                { "truncated", Message, Message[..^1], null, 403, "forbidden" },
                { "empty body", Message, [], null, 403, "forbidden" },
                { "no signature", Message, Message, "", 403, "forbidden" },
                { "empty signature", Message, Message, "sha256=", 403, "forbidden" },
                { "no prefix", Message, Message, right["sha256=".Length..], 403, "forbidden" },
                { "upper-case prefix", Message, Message, "SHA256=" + right["sha256=".Length..], 403, "forbidden" },
                { "sha1", Message, Message, "sha1=" + right["sha256=".Length..], 403, "forbidden" },
                { "short signature", Message, Message, right[..^2], 403, "forbidden" },
                { "long signature", Message, Message, right + "00", 403, "forbidden" },
                { "odd signature", Message, Message, right[..^1], 403, "forbidden" },
                { "no hexadecimal", Message, Message, "sha256=" + new string('z', 64), 403, "forbidden" },
                { "base64", Message, Message, "sha256=" + Convert.ToBase64String(new byte[32]), 403, "forbidden" },
                { "zeros", Message, Message, "sha256=" + new string('0', 64), 403, "forbidden" },
                { "two signatures in one", Message, Message, right + "," + right, 403, "forbidden" },
                { "signature of another body", [1], Message, null, 403, "forbidden" },
                { "signature of nothing", [], Message, null, 403, "forbidden" },

                // Authentic, but not what Meta documents.
                { "no JSON", "hello"u8.ToArray(), "hello"u8.ToArray(), null, 400, "invalid_json" },
                { "nothing", [], [], null, 400, "invalid_json" },
                { "cut JSON", Message[..100], Message[..100], null, 400, "invalid_json" },
                { "two values", "{} {}"u8.ToArray(), "{} {}"u8.ToArray(), null, 400, "invalid_json" },
                { "NUL", "{\"entry\":[\0]}"u8.ToArray(), "{\"entry\":[\0]}"u8.ToArray(), null, 400, "invalid_json" },
                { "no UTF-8", [0x7B, 0xFF, 0x7D], [0x7B, 0xFF, 0x7D], null, 400, "invalid_json" },
                { "list", "[]"u8.ToArray(), "[]"u8.ToArray(), null, 400, "invalid_request" },
                { "number", "1"u8.ToArray(), "1"u8.ToArray(), null, 400, "invalid_request" },
                { "null", "null"u8.ToArray(), "null"u8.ToArray(), null, 400, "invalid_request" },
                { "entry is an object", """{"entry":{}}"""u8.ToArray(), """{"entry":{}}"""u8.ToArray(), null, 400, "invalid_request" },
                { "entry is text", """{"entry":"x"}"""u8.ToArray(), """{"entry":"x"}"""u8.ToArray(), null, 400, "invalid_request" },
                { "entry is null", """{"entry":null}"""u8.ToArray(), """{"entry":null}"""u8.ToArray(), null, 400, "invalid_request" },
                {
                    "entry behind a name with a lone surrogate", """{"\ud800 of another":1,"entry":1}"""u8.ToArray(),
                    """{"\ud800 of another":1,"entry":1}"""u8.ToArray(), null, 400, "invalid_json"
                },
                {
                    "entry is a huge number", """{"entry":1e999}"""u8.ToArray(), """{"entry":1e999}"""u8.ToArray(), null, 400,
                    "invalid_request"
                },
            };
            var deep = Encoding.ASCII.GetBytes("{\"entry\":" + new string('[', 60) + new string(']', 60) + "}");
            refusals.Add("nested too deep", deep, deep, null, 400, "invalid_json");
            return refusals;
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_delivery_that_is_not_authentic_or_not_readable_is_refused(
        string name, byte[] signed, byte[] sent, string? signature, int status, string code)
    {
        var before = await StoredAsync();

        var response = await WhatsApp.PostAsync(
            sent, signature is null ? WhatsAppApi.SignatureOf(signed) : signature.Length == 0 ? null : signature);

        var text = await response.RefusedAsync((HttpStatusCode)status, code);
        Assert.DoesNotContain(WhatsAppApi.Secret, text, StringComparison.Ordinal);
        Assert.Equal(before, await StoredAsync());
        Assert.NotEmpty(name);
    }

    [Fact]
    public async Task Neither_secrets_nor_signatures_nor_content_of_refused_deliveries_are_logged()
    {
        var signature = WhatsAppApi.SignatureOf(Message);
        var before = await StoredAsync();
        var cut = Message[..^40];

        await (await WhatsApp.PostAsync([.. Message, (byte)' '], signature)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await WhatsApp.PostAsync(cut)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
        foreach (var query in new[] { Uri.EscapeDataString(WhatsAppApi.VerifyToken), "a%20wrong%20token&hub.challenge=1" })
        {
            using var refused = await WhatsApp.Api.Anyone.GetAsync($"/api/whatsapp/webhook?hub.mode=subscribe&hub.verify_token={query}");
            Assert.False(refused.IsSuccessStatusCode);
        }

        var text = string.Join('\n', WhatsApp.Logs.GetSnapshot().Select(record => record.Message + record.Exception));
        Assert.Contains("Delivery to whatsapp from", text, StringComparison.Ordinal);
        string[] secrets =
        [
            WhatsAppApi.Secret, WhatsAppApi.VerifyToken, Uri.EscapeDataString(WhatsAppApi.VerifyToken), "wrong token", "wrong%20token",
            signature["sha256=".Length..], WhatsAppApi.SignatureOf(cut)["sha256=".Length..], "18769999999", "wamid.refused",
            "112-1234567-1234567",
        ];
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
        Assert.Equal(before, await StoredAsync());
    }

    [Fact]
    public async Task A_delivery_that_is_accepted_changes_what_these_tests_count()
    {
        var before = await StoredAsync();

        (
            await WhatsApp.PostAsync(
                Encoding.UTF8.GetBytes(
                    Encoding.UTF8.GetString(Message)
                        .Replace("wamid.refused", "wamid.accepted", StringComparison.Ordinal)))).EnsureSuccessStatusCode();

        Assert.NotEqual(before, await StoredAsync());
    }

    [Fact]
    public async Task Two_signature_headers_are_not_authentic()
    {
        using var request = Request(Message);
        request.Headers.TryAddWithoutValidation("X-Hub-Signature-256", [WhatsAppApi.SignatureOf(Message), "sha256=" + new string('0', 64)]);

        var before = await StoredAsync();

        await (await WhatsApp.Api.Anyone.SendAsync(request)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");

        Assert.Equal(before, await StoredAsync());
    }

    [Theory]
    [InlineData("text/plain", 415, "unsupported_media_type")]
    [InlineData("application/json; charset=utf-16", 415, "unsupported_media_type")]
    [InlineData("text/plain; note=application/json", 415, "unsupported_media_type")]
    [InlineData("multipart/form-data; boundary=x", 415, "unsupported_media_type")]
    public async Task Another_media_type_is_refused_before_the_signature_is_checked(string mediaType, int status, string code)
    {
        using var request = Request(Message);
        request.Content!.Headers.Remove("Content-Type");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        request.Headers.TryAddWithoutValidation("X-Hub-Signature-256", WhatsAppApi.SignatureOf(Message));
        var before = await StoredAsync();

        await (await WhatsApp.Api.Anyone.SendAsync(request)).RefusedAsync((HttpStatusCode)status, code);

        Assert.Equal(before, await StoredAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_beyond_256_KiB_is_refused_with_and_without_its_length(bool chunked)
    {
        var body = new byte[1024 * 1024];
        using var request = Request(body);
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.TryAddWithoutValidation("X-Hub-Signature-256", WhatsAppApi.SignatureOf(body));

        await (await WhatsApp.Api.Anyone.SendAsync(request)).RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData("?hub.mode=subscribe&hub.verify_token=a%20token%20that%20Meta%20repeats&hub.challenge=1158201444", 200, "1158201444")]
    [InlineData("?hub.mode=subscribe&hub.verify_token=a%20token%20that%20Meta%20repeats", 400, "hub.challenge is missing or too long")]
    [InlineData("?hub.mode=unsubscribe&hub.verify_token=a%20token%20that%20Meta%20repeats&hub.challenge=1", 403, "Forbidden")]
    [InlineData("?hub.mode=subscribe&hub.verify_token=another&hub.challenge=1", 403, "Forbidden")]
    [InlineData("?hub.mode=subscribe&hub.verify_token=&hub.challenge=1", 403, "Forbidden")]
    [InlineData("?hub.mode=subscribe&hub.challenge=1", 403, "Forbidden")]
    [InlineData("", 403, "Forbidden")]
    public async Task The_address_is_verified_with_the_right_token_alone(string query, int status, string body)
    {
        var response = await WhatsApp.Api.Anyone.GetAsync($"/api/whatsapp/webhook{query}");

        Assert.Equal((status, body), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    /// <summary>
    /// What deliveries can store: keys of the inbox, jobs with the message of these tests, and states of sent messages. A delivery that is
    /// accepted changes it: <see cref="A_delivery_that_is_accepted_changes_what_these_tests_count"/>.
    /// </summary>
    private Task<string> StoredAsync() => WhatsApp.Api.ScalarAsync<string>(
        $"""
        SELECT (SELECT count(*) FROM reliability.webhook_inbox WHERE scope = '{WhatsAppScopes.Message.Name}')
            || ' ' || (SELECT count(*) FROM reliability.tool_jobs WHERE args LIKE '%wamid.refused%')
            || ' ' || (SELECT count(*) FROM whatsapp_statuses)
        """);

    private static HttpRequestMessage Request(byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/whatsapp/webhook") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        return request;
    }
}
