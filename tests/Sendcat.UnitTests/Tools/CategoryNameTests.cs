using Sendcat.ApiService.Tools.SearchProducts;

namespace Sendcat.UnitTests.Tools;

public sealed class CategoryNameTests
{
    [Theory]
    [InlineData("Rice Cookers", "rice cookers", false, 100)]
    [InlineData("Rice Cookers", "rice cookers", true, 105)]
    [InlineData("rice", "rice cookers", false, 85)]
    [InlineData("cookers", "rice cookers", true, 75)]
    [InlineData("Cookers, Rice!", "rice cookers", false, 60)]
    [InlineData("electric rice cookers", "rice cookers", true, 45)]
    [InlineData("laptops", "rice cookers", true, 5)]
    public void The_more_of_a_name_is_in_a_category_the_more_it_is_meant(string name, string category, bool leaf, int likeness) =>
        Assert.Equal(likeness, CategoryName.Of(name).Likeness(category, leaf));
}
