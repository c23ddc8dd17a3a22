using System.Globalization;
using System.Net;

namespace Sendcat.UpstreamEmulator;

/// <summary>Where the emulator listens and what it keeps.</summary>
public sealed class EmulatorOptions
{
    /// <summary>HTTP/1.1 addresses. Environment <c>EMULATOR_URL_H1</c>, else <c>ASPNETCORE_URLS</c>; several are separated by <c>;</c>, a bare number is a port on 127.0.0.1, port 0 lets the system choose.</summary>
    public IReadOnlyList<IPEndPoint> Http1 { get; set; } = [new(IPAddress.Loopback, 5070)];

    /// <summary>HTTP/2 without TLS by prior knowledge. Environment <c>EMULATOR_URL_H2C</c>.</summary>
    public IReadOnlyList<IPEndPoint> H2c { get; set; } = [new(IPAddress.Loopback, 5071)];

    /// <summary>How many received requests are kept for tests to look at; 0 keeps none. Environment <c>EMULATOR_KEEP_REQUESTS</c>.</summary>
    public int KeepRequests { get; set; }

    public TimeProvider Clock { get; set; } = TimeProvider.System;

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

        var text = address.Replace("http://", "", StringComparison.OrdinalIgnoreCase).TrimEnd('/').Replace("localhost", "127.0.0.1", StringComparison.OrdinalIgnoreCase);
        return IPEndPoint.TryParse(text, out var endpoint) ? endpoint : throw new FormatException($"'{address}' is not an address like http://127.0.0.1:5070");
    }
}
