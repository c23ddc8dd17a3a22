namespace Sendcat.Integrations.Mail.Prices;

/// <summary>An amount of money.</summary>
/// <param name="Amount">In units of the currency, for example dollars.</param>
/// <param name="Currency">ISO 4217 code; null: the mail does not say, for instance "$" alone where several dollars are possible.</param>
public sealed record Price(decimal Amount, string? Currency);

/// <summary>An amount in a text.</summary>
/// <param name="Price">The amount.</param>
/// <param name="Start">Where it begins, sign or code included.</param>
/// <param name="Length">Its length.</param>
public sealed record PriceMatch(Price Price, int Start, int Length);
