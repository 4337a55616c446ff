with

domain_aliases as (

    select * from {{ ref('stg_account_mapping__settings_domain_aliases') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}
    where domain is not null

),

resolved as (

    select
        aliases.domain,
        canonicals.domain as canonical_domain,
        domain_aliases.relation,
        row_number() over (
            partition by aliases.domain
            order by canonicals.domain, domain_aliases.relation
        ) as preference

    from domain_aliases
    inner join domains as aliases
        on domain_aliases.raw_domain = aliases.raw_value
    inner join domains as canonicals
        on domain_aliases.raw_canonical_domain = canonicals.raw_value
    where aliases.domain <> canonicals.domain

),

final as (

    select
        domain,
        canonical_domain,
        relation

    from resolved
    where preference = 1

)

select * from final
