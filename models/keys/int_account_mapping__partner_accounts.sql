{%- set reporting_currency = var('account_mapping__currency') | upper -%}
with

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

partner_statuses as (

    select * from {{ ref('int_account_mapping__partner_statuses') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}
    where side = 'partner'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'partner'

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}
    where side = 'partner'

),

account_domains as (

    select
        partner_id,
        account_id,
        {{ account_mapping.list_text('domain') }} as domains

    from {{ ref('int_account_mapping__account_domains') }}
    where side = 'partner'
    group by partner_id, account_id

),

-- what a partner that exchanges keys tells of single accounts under the agreement in force
shared_fields as (

    select
        partner_id,
        account_token as account_id,
        {% for field in account_mapping.shareable_fields() if field != 'status' -%}
        min(case when field = '{{ field }}' then field_value end) as {{ field }},
        {% endfor -%}
        count(*) as n_values

    from {{ ref('int_account_mapping__partner_field_rows') }}
    where problem is null
    group by partner_id, account_token

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

shared_amounts as (

    select
        shared_fields.partner_id,
        shared_fields.account_id,
        {{ account_mapping.convert_amount(
            account_mapping.to_decimal("split_part(shared_fields.open_amount, ' ', 1)"),
            "case when upper(split_part(shared_fields.open_amount, ' ', 2)) in ('', '" ~ reporting_currency
            ~ "') then 1 else currency_rates.rate end"
        ) }} as open_amount

    from shared_fields
    left join currency_rates
        on upper(split_part(shared_fields.open_amount, ' ', 2)) = currency_rates.currency
    where shared_fields.open_amount is not null

),

joined as (

    select
        ---------- ids
        partner_records.partner_id,
        partner_records.account_id,
        members.unit_id as ultimate_parent_account_id,

        ---------- text
        coalesce(
            normalized.display_name,
            {{ account_mapping.spreadsheet_safe('partner_records.website') }},
            {{ account_mapping.spreadsheet_safe('left(shared_fields.name, 255)') }},
            {{ account_mapping.spreadsheet_safe('left(shared_fields.website, 255)') }}
        ) as name,
        partner_statuses.status,
        account_domains.domains,
        coalesce(partner_records.website, shared_fields.website) as website,
        coalesce(
            normalized.country_code,
            {{ account_mapping.spreadsheet_safe('shared_fields.country') }}
        ) as country_code,
        coalesce(
            {{ account_mapping.spreadsheet_safe('partner_records.country') }},
            {{ account_mapping.spreadsheet_safe('left(shared_fields.country, 255)') }}
        ) as country,
        partner_records.state,
        partner_records.city,
        partner_records.postal_code,
        coalesce(
            partner_records.owner_name,
            partner_records.owner_email,
            shared_fields.owner_name,
            shared_fields.owner_email
        ) as owner,
        coalesce(partner_records.owner_email, shared_fields.owner_email) as owner_email,
        coalesce(partner_records.segment, shared_fields.segment) as segment,
        partner_records.industry,
        normalized.lei,
        normalized.duns,
        normalized.vat_id,
        normalized.linkedin,
        excluded_accounts.reason as exclusion_reason,
        coalesce(partner_records.deal_stage, left(shared_fields.deal_stage, 255)) as deal_stage,

        ---------- numerics
        partner_records.annual_revenue,
        partner_records.employee_count,
        coalesce(shared_amounts.open_amount, members.open_amount) as open_amount,

        ---------- dates and timestamps
        coalesce(
            partner_records.customer_since, {{ account_mapping.to_date('shared_fields.customer_since') }}
        ) as customer_since,
        coalesce(
            partner_records.deal_close_date, {{ account_mapping.to_date('shared_fields.deal_close_date') }}
        ) as deal_close_date,
        coalesce(
            partner_records.last_won_on, {{ account_mapping.to_date('shared_fields.last_won_on') }}
        ) as last_won_on,
        partner_records.updated_at,

        ---------- flags
        excluded_accounts.account_id is not null as is_excluded

    from partner_records
    inner join partner_statuses
        on
            partner_records.partner_id = partner_statuses.partner_id
            and partner_records.account_id = partner_statuses.account_id
    left join normalized
        on
            partner_records.partner_id = normalized.partner_id
            and partner_records.account_id = normalized.account_id
    left join members
        on
            partner_records.partner_id = members.scope
            and partner_records.account_id = members.account_id
    left join excluded_accounts
        on
            partner_records.partner_id = excluded_accounts.for_partner_id
            and partner_records.account_id = excluded_accounts.account_id
    left join account_domains
        on
            partner_records.partner_id = account_domains.partner_id
            and partner_records.account_id = account_domains.account_id
    left join shared_fields
        on
            partner_records.partner_id = shared_fields.partner_id
            and partner_records.account_id = shared_fields.account_id
    left join shared_amounts
        on
            partner_records.partner_id = shared_amounts.partner_id
            and partner_records.account_id = shared_amounts.account_id

),

final as (

    select
        *,
        {{ account_mapping.content_hash([
            'partner_id', 'account_id', 'ultimate_parent_account_id', 'name', 'status', 'domains', 'website',
            'country_code', 'state', 'city', 'postal_code', 'owner', 'owner_email', 'segment', 'industry', 'lei',
            'duns', 'vat_id', 'linkedin', 'exclusion_reason', 'annual_revenue', 'employee_count', 'open_amount',
            'customer_since', 'is_excluded', 'deal_stage', 'deal_close_date', 'last_won_on',
        ]) }} as content_hash

    from joined

)

select * from final
