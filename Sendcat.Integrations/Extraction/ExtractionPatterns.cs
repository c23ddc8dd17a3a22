using System.Runtime.CompilerServices;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Senders;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Extraction;

/// <summary>
/// Compiles the patterns of the extraction, in one thread. They take a second of processor time. Without it their static constructors
/// compile them at the first use, and each extraction that begins meanwhile blocks a thread until they have ended. A worker whose threads
/// are all blocked renews no leases and claims no jobs.
/// </summary>
internal static class ExtractionPatterns
{
    /// <summary>The types whose static constructors compile patterns.</summary>
    internal static readonly IReadOnlyList<Type> Holders =
    [
        typeof(OrderExtraction), typeof(ExtractionPrompt), typeof(Grounding), typeof(PartText), typeof(PlainLinks), typeof(InlineForward),
        typeof(MailTopics), typeof(Forwarders), typeof(Merchant), typeof(ItemList), typeof(DollarCountry), typeof(PriceTexts),
        typeof(Totals), typeof(NumberLabels),
    ];

    private static readonly Lazy<Task> Compilation = new(CompileAllAsync);

    /// <summary>Completes when the patterns are compiled. The first call of the process starts it.</summary>
    public static Task CompileAsync(CancellationToken cancellationToken) => Compilation.Value.WaitAsync(cancellationToken);

    private static async Task CompileAllAsync()
    {
        // The first caller waits like the others.
        await Task.Yield();
        foreach (var holder in Holders)
        {
            RuntimeHelpers.RunClassConstructor(holder.TypeHandle);
        }
    }
}
