using Sendcat.Attacks.Attacks;

namespace Sendcat.AttackTests;

public sealed class AttackListTests
{
    [Fact]
    public void Every_number_has_one_attack_and_one_test()
    {
        var numbers = AttackList.All.Select(attack => (int)attack.Number);
        var tests = typeof(AttackTests)
            .GetMethods()
            .Where(method => method.Name.StartsWith("Attack_", StringComparison.Ordinal))
            .Select(method => method.Name.Split('_')[1])
            .Order(StringComparer.Ordinal);

        Assert.Equal(Enumerable.Range(1, 16), numbers);
        Assert.Equal(numbers.Select(number => number.ToString("00", System.Globalization.CultureInfo.InvariantCulture)), tests);
    }
}
