using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>The Graph API of Meta: files of WhatsApp messages, and replies.</summary>
public static class WhatsAppGraphProvider
{
    public static readonly Provider Provider = Provider.Of<WhatsAppGraphLimitOptions>("whatsapp_graph", options => options.Limits);

    /// <summary>How requests are sent: one attempt of 10 s. The job is the retry.</summary>
    public static readonly UpstreamPolicy Policy = new(Provider.Name, TimeSpan.FromSeconds(10), 0)
    {
        MaxResponseBytes = 64 * 1024,
        ReadErrorCode = response => response.Part("error")?.Count("code")?.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    /// <summary>How a file is downloaded: one attempt of 30 s. A longer file is no fault of Meta.</summary>
    /// <param name="maxBytes">Largest file.</param>
    public static UpstreamPolicy DownloadPolicy(int maxBytes) =>
        new(Provider.Name, TimeSpan.FromSeconds(30), 0) { MaxResponseBytes = maxBytes, LongResponsesAreNeutral = true };
}

/// <summary>Limits of <see cref="WhatsAppGraphProvider"/>.</summary>
public sealed class WhatsAppGraphLimitOptions
{
    /// <summary>Failures in the window that open the circuit of the Graph API.</summary>
    [Knob("CIRCUIT_WHATSAPP_THRESHOLD", Path = "Circuit:WhatsAppThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 5;

    /// <summary>How long the circuit of the Graph API stays open.</summary>
    [Knob("CIRCUIT_WHATSAPP_COOLDOWN_MS", Path = "Circuit:WhatsAppCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 30_000;

    /// <summary>Most concurrent calls to the Graph API, over all workers.</summary>
    [Knob("BULKHEAD_WHATSAPP_MAX_CONCURRENT", Path = "Bulkhead:WhatsAppMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 8;

    /// <summary>Time after the last renewal at which a slot for calls to the Graph API expires.</summary>
    [Knob("BULKHEAD_WHATSAPP_LEASE_TTL_MS", Path = "Bulkhead:WhatsAppLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
