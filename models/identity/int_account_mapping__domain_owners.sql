{#- Pages of a group's own website are few companies; a portal has many. -#}
{%- set most_companies_by_page = 3 -%}
with

domain_uses as (

    select * from {{ ref('int_account_mapping__domain_uses') }}

),

domain_names as (

    select * from {{ ref('int_account_mapping__domain_names') }}

),

named as (

    select
        side,
        partner_id,
        key_domain,
        count(distinct company) as n_companies,
        sum(case when fits then 1 else 0 end) as n_fitting

    from domain_names
    group by side, partner_id, key_domain

),

counted as (

    select
        domain_uses.side,
        domain_uses.partner_id,
        domain_uses.key_domain,
        domain_uses.n_accounts,
        domain_uses.n_names,
        coalesce(named.n_companies, 0) as n_companies,
        coalesce(named.n_fitting, 0) as n_fitting,
        domain_uses.n_pages,
        coalesce(named.n_companies, 0) > {{ most_companies_by_page }}
        and domain_uses.n_pages = domain_uses.n_accounts as is_portal

    from domain_uses
    left join named
        on
            domain_uses.side = named.side
            and domain_uses.partner_id = named.partner_id
            and domain_uses.key_domain = named.key_domain

),

final as (

    select
        *,
        case
            when n_companies <= 1 then 'company'
            when is_portal then 'host'
            when n_fitting > 0 then 'group'
            else 'host'
        end as owner,
        case
            when n_names = 0 then 'no name'
            when n_names = 1 then 'one name'
            when n_companies <= 1 then n_names || ' names of one company'
            when is_portal then n_companies || ' unlike names, each with a page of its own'
            when n_fitting > 0 then n_companies || ' unlike names, one of them like the domain'
            else n_companies || ' unlike names, none like the domain'
        end as owner_reason

    from counted

)

select * from final
