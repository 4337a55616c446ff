with

domain_aliases as (

    select * from {{ ref('stg_account_mapping__settings_domain_aliases') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}
    where domain is not null

),

final as (

    select
        aliases.domain,
        canonicals.domain as canonical_domain,
        min(domain_aliases.relation) as relation

    from domain_aliases
    inner join domains as aliases
        on domain_aliases.raw_domain = aliases.raw_value
    inner join domains as canonicals
        on domain_aliases.raw_canonical_domain = canonicals.raw_value
    where aliases.domain <> canonicals.domain
    group by aliases.domain, canonicals.domain

)

select * from final
