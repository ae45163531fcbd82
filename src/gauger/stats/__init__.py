"""Arrays in, numbers out: the estimation engine. No files, no records, no study; imports only errors.

- `panel`: scores of one study as arrays, arms × replicates × items for each benchmark
- `crossed`: item, replicate and shared variance parts of all cell means
- `moderate`: few-degree variances shrunk by empirical Bayes
- `replicate_prior`: what replicate noise should look like, pooled over arms and benchmarks
- `contrast`: estimates and intervals of any linear contrasts
- `ratio`: ratio of two contrasts with its Fieller set
- `simultaneous`: max-t intervals and adjusted p-values for a family of contrasts
- `factorial`: cells of a factorial of ingredients, fractions with their aliases, effects as contrasts
- `shapley`: Shapley values and interactions of ingredients as contrasts, exact or from drawn orders
- `power`: what a design can detect, and what a wanted precision needs
- `bootstrap`: intervals over items alone, the comparison that shows why they are wrong
- `random_effects`: meta-analysis and meta-regression with nested levels, shared controls, robust errors
- `robust`: cluster-robust CR2 covariance with Satterthwaite degrees of freedom
- `student`: Student's t without scipy.stats
"""
