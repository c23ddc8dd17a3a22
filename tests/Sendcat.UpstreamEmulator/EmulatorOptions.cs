using System.Globalization;
using System.Net;

namespace Sendcat.UpstreamEmulator;

/// <summary>The addresses on which the emulator listens, the number of requests that it stores, and its clock.</summary>
public sealed class EmulatorOptions
{
    /// <summary>
    /// The HTTP/1.1 addresses. Environment variable: <c>EMULATOR_URL_H1</c>, else <c>ASPNETCORE_URLS</c>. Addresses are separated by
    /// <c>;</c>. A plain number is a port on 127.0.0.1. With port 0 the operating system chooses the port. Default: 127.0.0.1:5070.
    /// </summary>
    public IReadOnlyList<IPEndPoint> Http1 { get; set; } = [new(IPAddress.Loopback, 5070)];

    /// <summary>
    /// The addresses for HTTP/2 without TLS (prior knowledge). Environment variable: <c>EMULATOR_URL_H2C</c>. Default: 127.0.0.1:5071.
    /// </summary>
    public IReadOnlyList<IPEndPoint> H2c { get; set; } = [new(IPAddress.Loopback, 5071)];

    /// <summary>
    /// How many received requests the emulator stores for tests; 0 (the default) stores none. Environment variable:
    /// <c>EMULATOR_KEEP_REQUESTS</c>.
    /// </summary>
    public int KeepRequests { get; set; }

    /// <summary>Where Gmail's notifications are pushed; null: nowhere. Environment variable: <c>EMULATOR_GMAIL_PUSH_URL</c>.</summary>
    public string? PushUrl { get; set; }

    /// <summary>
    /// The audience of the tokens of pushes; null: <see cref="PushUrl"/>. Environment variable: <c>EMULATOR_GMAIL_PUSH_AUDIENCE</c>.
    /// </summary>
    public string? PushAudience { get; set; }

    /// <summary>The service account of the push subscription. Environment variable: <c>EMULATOR_GMAIL_PUSH_SERVICE_ACCOUNT</c>.</summary>
    public string PushServiceAccount { get; set; } = "gmail-push@emulator.iam.gserviceaccount.com";

    /// <summary>
    /// Where messages of the emulated WhatsApp are delivered; null: nowhere. Environment variable: <c>EMULATOR_WHATSAPP_WEBHOOK_URL</c>.
    /// </summary>
    public string? WhatsAppWebhookUrl { get; set; }

    /// <summary>
    /// The secret that signs them, <c>WHATSAPP_APP_SECRET</c> of the API. Environment variable: <c>EMULATOR_WHATSAPP_APP_SECRET</c>.
    /// </summary>
    public string WhatsAppAppSecret { get; set; } = "emulator";

    public TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <summary>Reads the options from the environment and the command line.</summary>
    /// <exception cref="FormatException">An address is not <c>http://host:port</c>, <c>host:port</c> or a port.</exception>
    public static EmulatorOptions From(IConfiguration configuration)
    {
        var options = new EmulatorOptions();
        if ((configuration["EMULATOR_URL_H1"] ?? configuration["urls"]) is { Length: > 0 } http1)
        {
            options.Http1 = Parse(http1);
        }

        if (configuration["EMULATOR_URL_H2C"] is { Length: > 0 } h2c)
        {
            options.H2c = Parse(h2c);
        }

        options.PushUrl = configuration["EMULATOR_GMAIL_PUSH_URL"];
        options.PushAudience = configuration["EMULATOR_GMAIL_PUSH_AUDIENCE"];
        if (configuration["EMULATOR_GMAIL_PUSH_SERVICE_ACCOUNT"] is { Length: > 0 } account)
        {
            options.PushServiceAccount = account;
        }
        options.WhatsAppWebhookUrl = configuration["EMULATOR_WHATSAPP_WEBHOOK_URL"];
        options.WhatsAppAppSecret = configuration["EMULATOR_WHATSAPP_APP_SECRET"] is { Length: > 0 } secret
            ? secret
            : options.WhatsAppAppSecret;
        options.KeepRequests = configuration.GetValue("EMULATOR_KEEP_REQUESTS", 0);
        return options;
    }

    private static List<IPEndPoint> Parse(string addresses) =>
        [.. addresses.Split([';', ',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(ParseOne)];

    private static IPEndPoint ParseOne(string address)
    {
        if (ushort.TryParse(address, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            return new(IPAddress.Loopback, port);
        }

        var text = address.Replace("http://", "", StringComparison.OrdinalIgnoreCase).TrimEnd('/')
            .Replace("localhost", "127.0.0.1", StringComparison.OrdinalIgnoreCase);
        return IPEndPoint.TryParse(text, out var endpoint)
            ? endpoint
            : throw new FormatException($"'{address}' is not an address like http://127.0.0.1:5070");
    }
}
