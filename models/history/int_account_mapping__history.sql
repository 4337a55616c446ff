{#- One table holds what was seen of overlaps and partners and when it was seen, so that all is kept in one step. -#}
{%- set key = ['record', 'partner_id', 'account_id', 'partner_account_id'] -%}
{%- set overlap_facts = {
    'relationship': dbt.type_string(), 'is_primary': 'boolean',
    'our_status': dbt.type_string(), 'partner_status': dbt.type_string(), 'our_open_amount': 'decimal(28, 2)',
    'our_unit_id': dbt.type_string(), 'partner_unit_id': dbt.type_string(),
    'our_unit_status': dbt.type_string(), 'partner_unit_status': dbt.type_string(),
    'our_unit_open_amount': 'decimal(28, 2)',
    'company_id': dbt.type_string(), 'family_id': dbt.type_string(),
} -%}
{%- set partner_facts = {
    'our_statuses': "side = 'ours' and not is_hidden", 'our_hidden_statuses': "side = 'ours' and is_hidden",
    'partner_statuses': "side = 'partner' and not is_hidden",
    'partner_hidden_statuses': "side = 'partner' and is_hidden",
} -%}
{%- set facts = dict(overlap_facts, **dict.fromkeys(partner_facts, dbt.type_string())) -%}
{{
    config(
        enabled=var('account_mapping__history'),
        materialized='incremental',
        incremental_strategy=account_mapping.replace_strategy(),
        unique_key=key,
        full_refresh=false,
        pre_hook="{{ account_mapping.keep_former(this) }}",
        post_hook="{{ account_mapping.drop_former(this) }}",
        database=var('account_mapping__marts_database') or target.get('database'),
    )
}}
with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}

),

overlap_states as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        links.relationship,
        links.is_primary,
        {{ account_mapping.status_of_rank('links.our_status_rank') }} as our_status,
        {{ account_mapping.status_of_rank('links.partner_status_rank') }} as partner_status,
        links.our_open_amount,
        links.our_unit_id,
        links.partner_unit_id,
        {{ account_mapping.status_of_rank('links.our_unit_status_rank') }} as our_unit_status,
        {{ account_mapping.status_of_rank('links.partner_unit_status_rank') }} as partner_unit_status,
        links.our_unit_open_amount,
        -- only the same company is linked under rollup `account`
        coalesce(companies.company_id, '') as company_id,
        families.company_id as family_id

    from links
    left join company_links as companies
        on
            companies.rollup = 'account'
            and links.partner_id = companies.partner_id
            and links.account_id = companies.our_unit_id
            and links.partner_account_id = companies.partner_unit_id
    left join company_links as families
        on
            families.rollup = 'parent'
            and links.partner_id = families.partner_id
            and links.our_unit_id = families.our_unit_id
            and links.partner_unit_id = families.partner_unit_id

),

compared_statuses as (

    select
        partner_id,
        side,
        {{ account_mapping.status_of_rank('status_rank') }} as status,
        is_hidden

    from {{ ref('int_account_mapping__compared_statuses') }}

),

states as (

    select
        {% for fact in overlap_facts -%}
        {{ fact }},
        {% endfor -%}
        {% for fact in partner_facts -%}
        cast(null as {{ dbt.type_string() }}) as {{ fact }},
        {% endfor -%}
        'overlap' as record,
        partner_id,
        account_id,
        partner_account_id

    from overlap_states

    union all

    select
        {% for fact, type in overlap_facts.items() -%}
        cast(null as {{ type }}) as {{ fact }},
        {% endfor -%}
        {% for fact, condition in partner_facts.items() -%}
        coalesce(
            {{ account_mapping.list_text('case when ' ~ condition ~ ' then status end') }}, ''
        ) as {{ fact }},
        {% endfor -%}
        'partner' as record,
        partner_id,
        '' as account_id,
        '' as partner_account_id

    from compared_statuses
    group by partner_id

),

{{ account_mapping.kept_intervals(key, facts, account_mapping.former_rows(this) if is_incremental() else none) }}

{{ account_mapping.with_former('final', key, this) }}
