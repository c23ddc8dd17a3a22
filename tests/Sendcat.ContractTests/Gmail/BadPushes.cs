using System.Net.Http.Headers;
using System.Text;

namespace Sendcat.ContractTests.Gmail;

/// <summary>Notifications that must be refused, with the status and code of each.</summary>
internal static class BadPushes
{
    private const string Email = "nobody@example.com";

    public static IReadOnlyDictionary<string, (int Status, string Code, Func<GmailApi, Task<HttpResponseMessage>> Send)> All { get; } =
        new Dictionary<string, (int, string, Func<GmailApi, Task<HttpResponseMessage>>)>(StringComparer.Ordinal)
        {
            // Authentication
            ["no authorization"] = Refused(_ => null),
            ["empty bearer"] = Refused(_ => ""),
            ["no token at all"] = Refused(_ => "not.a.token"),
            ["token of 20 KiB"] = Refused(_ => new string('a', 20_000)),
            ["truncated token"] = Refused(gmail => gmail.Google.PushToken()[..^20]),
            ["token without signature"] = Refused(gmail => gmail.Google.PushToken()[..(gmail.Google.PushToken().LastIndexOf('.') + 1)]),
            ["changed signature"] = Refused(gmail => Flip(gmail.Google.PushToken(), fromEnd: 10)),
            ["changed payload"] = Refused(gmail => Flip(gmail.Google.PushToken(), fromEnd: 400)),
            ["wrong audience"] = Claim("aud", "https://elsewhere.example/api/gmail/push"),
            ["audience of another path"] = Claim("aud", $"{GmailApi.Audience}/"),
            ["no audience"] = Without("aud"),
            ["wrong issuer"] = Claim("iss", "https://accounts.example.com"),
            ["issuer that only begins right"] = Claim("iss", "https://accounts.google.com.example"),
            ["no issuer"] = Without("iss"),
            ["another service account"] = Claim("email", "gmail-push@elsewhere.iam.gserviceaccount.com"),
            ["no e-mail"] = Without("email"),
            ["e-mail not verified"] = Claim("email_verified", false),
            ["verified as a number"] = Claim("email_verified", 1),
            ["no word about verification"] = Without("email_verified"),
            ["expired"] = Claim("exp", DateTimeOffset.UnixEpoch.ToUnixTimeSeconds() + 1_600_000_000),
            ["no expiry"] = Without("exp"),
            ["not yet valid"] = Claim("nbf", 4_000_000_000L),
            ["issued in the future"] = Claim("iat", 4_000_000_000L),
            ["expiry as a text"] = Claim("exp", "tomorrow"),
            ["alg none"] = Fault("no-signature"),
            ["alg HS256 with the public key"] = Fault("hs256"),
            ["unknown key"] = Fault("other-key"),
            ["key id of Google, another key"] = Fault("bad-signature"),
            ["wrong shared token"] = Header("x-pubsub-token", "another token"),
            ["shared token with one character more"] = Header("x-pubsub-token", $"{GmailApi.VerifyToken}x"),
            ["shared token beside a wrong one"] = (403, "forbidden", gmail => gmail.PushAsync(Body(gmail), null, request =>
            {
                request.Headers.TryAddWithoutValidation("x-pubsub-token", "another token");
                request.Headers.TryAddWithoutValidation("x-gmail-pubsub-token", GmailApi.VerifyToken);
            })),
            ["shared token twice"] = (403, "forbidden", gmail => gmail.PushAsync(Body(gmail), null, request =>
                request.Headers.TryAddWithoutValidation("x-pubsub-token", [GmailApi.VerifyToken, GmailApi.VerifyToken]))),

            // Body of an authentic notification
            ["no JSON"] = Invalid("hello", "invalid_json"),
            ["empty body"] = Invalid("", "invalid_json"),
            ["truncated JSON"] = Invalid("""{"message":{"data":"e""", "invalid_json"),
            ["two values"] = Invalid("{}{}", "invalid_json"),
            ["NUL in the JSON"] = Invalid("{\"message\":\0}", "invalid_json"),
            ["nested too deep"] = Invalid($"{{\"message\":{new string('[', 5_000)}{new string(']', 5_000)}}}", "invalid_json"),
            ["array"] = Invalid("[]"),
            ["no message"] = Invalid("{}"),
            ["message as a text"] = Invalid("""{"message":"x"}"""),
            ["no data"] = Invalid("""{"message":{"messageId":"1"}}"""),
            ["data as a number"] = Invalid("""{"message":{"data":1}}"""),
            ["data is null"] = Invalid("""{"message":{"data":null}}"""),
            ["empty data"] = Invalid("""{"message":{"data":""}}"""),
            ["data is no Base64"] = Invalid("""{"message":{"data":"§§§"}}"""),
            ["data with a lone surrogate"] = Invalid("""{"message":{"data":"\ud800"}}"""),
            ["name with a lone surrogate"] = Invalid("""{"\ud800 of another":1}"""),
            ["name with a lone surrogate in the data"] = Data("""{"\ud800 of a longer one":1}"""),
            ["data is no JSON"] = Data("hello"),
            ["data nested too deep"] = Data(new string('[', 1_000)),
            ["data is an array"] = Data("[1]"),
            ["no address"] = Data("""{"historyId":5}"""),
            ["address as a number"] = Data("""{"emailAddress":5,"historyId":5}"""),
            ["address that is none"] = Data("""{"emailAddress":"ann","historyId":5}"""),
            ["address with NUL"] = Data("""{"emailAddress":"ann\u0000@example.com","historyId":5}"""),
            ["address of 300 characters"] = Data($$"""{"emailAddress":"{{new string('a', 300)}}@example.com","historyId":5}"""),
            ["two addresses in one"] = Data("""{"emailAddress":"ann@example.com, ben@example.com","historyId":5}"""),
            ["no history id"] = Data($$"""{"emailAddress":"{{Email}}"}"""),
            ["history id is null"] = Data($$"""{"emailAddress":"{{Email}}","historyId":null}"""),
            ["empty history id"] = Data($$"""{"emailAddress":"{{Email}}","historyId":""}"""),
            ["history id of 0"] = Data($$"""{"emailAddress":"{{Email}}","historyId":0}"""),
            ["negative history id"] = Data($$"""{"emailAddress":"{{Email}}","historyId":-5}"""),
            ["history id with a fraction"] = Data($$"""{"emailAddress":"{{Email}}","historyId":5.5}"""),
            ["history id with an exponent"] = Data($$"""{"emailAddress":"{{Email}}","historyId":1e400}"""),
            ["history id of 40 digits"] = Data($$"""{"emailAddress":"{{Email}}","historyId":{{new string('9', 40)}}}"""),
            ["history id of 40 digits as a text"] = Data($$"""{"emailAddress":"{{Email}}","historyId":"{{new string('9', 40)}}"}"""),
            ["history id in words"] = Data($$"""{"emailAddress":"{{Email}}","historyId":"five"}"""),
            ["history id as an array"] = Data($$"""{"emailAddress":"{{Email}}","historyId":[5]}"""),

            // Request
            [
                "1 MiB"] = (413, "payload_too_large",
                gmail => gmail.PushAsync($"\"{new string('a', 1024 * 1024)}\"", gmail.Google.PushToken())),
            ["300 KiB in chunks"] = (413, "payload_too_large", gmail => gmail.PushAsync("{}", gmail.Google.PushToken(), request =>
            {
                request.Content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes($"\"{new string('a', 300 * 1024)}\"")));
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                request.Headers.TransferEncodingChunked = true;
            })),
            ["plain text"] = (415, "unsupported_media_type", gmail => gmail.PushAsync("{}", gmail.Google.PushToken(), request =>
                request.Content!.Headers.ContentType = new("text/plain"))),
            ["no media type"] = (415, "unsupported_media_type", gmail => gmail.PushAsync("{}", gmail.Google.PushToken(), request =>
                request.Content!.Headers.ContentType = null)),
        };

    private static string Body(GmailApi gmail) => gmail.Google.PushEnvelope(Email, 5_000, "1");

    private static (int, string, Func<GmailApi, Task<HttpResponseMessage>>) Refused(Func<GmailApi, string?> token) =>
        (403, "forbidden", gmail => gmail.PushAsync(Body(gmail), token(gmail)));

    private static (int, string, Func<GmailApi, Task<HttpResponseMessage>>) Claim(string name, object value) =>
        Refused(gmail => gmail.Google.PushToken(claims => claims[name] = value));

    private static (int, string, Func<GmailApi, Task<HttpResponseMessage>>) Without(string name) =>
        Refused(gmail => gmail.Google.PushToken(claims => claims.Remove(name)));

    private static (int, string, Func<GmailApi, Task<HttpResponseMessage>>) Fault(string fault) =>
        Refused(gmail => gmail.Google.PushToken(fault: fault));

    private static (int, string, Func<GmailApi, Task<HttpResponseMessage>>) Header(string name, string value) =>
        (403, "forbidden", gmail => gmail.PushAsync(Body(gmail), null, request => request.Headers.TryAddWithoutValidation(name, value)));

    private static (int, string, Func<GmailApi, Task<HttpResponseMessage>>) Invalid(string body, string code = "invalid_request") =>
        (400, code, gmail => gmail.PushAsync(body, gmail.Google.PushToken()));

    private static (int, string, Func<GmailApi, Task<HttpResponseMessage>>) Data(string json) =>
        Invalid($$$"""{"message":{"data":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes(json))}}}"}}""");

    private static string Flip(string token, int fromEnd)
    {
        var at = token.Length - fromEnd;
        return $"{token[..at]}{(token[at] == 'A' ? 'B' : 'A')}{token[(at + 1)..]}";
    }
}
