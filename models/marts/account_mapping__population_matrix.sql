select * from {{ ref('int_account_mapping__population_matrix') }}
order by partner_id, our_population, partner_population
