{#- A view: addresses stay in the loader's tables. -#}
{{ config(materialized='view') }}

with

staged as (

    select
        *,
        lower(email) as contact_key

    from {{ ref('stg_account_mapping__partner_contacts') }}

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}
    where is_readable

),

checked as (

    select
        staged.*,
        case
            when staged.partner_id is null then 'missing_partner_id'
            when partners.partner_id is null then 'unknown_partner'
            when not partners.is_active then 'inactive_partner'
            when partners.exchange <> 'list' then 'readable_rows_of_hashed_partner'
            when staged.account_id is null then 'contact_names_no_account'
            when partner_records.account_id is null then 'contact_of_unknown_account'
            when staged.email is null then 'contact_without_email'
        end as row_problem

    from staged
    left join partners
        on staged.partner_id = partners.partner_id
    left join partner_records
        on
            staged.partner_id = partner_records.partner_id
            and staged.account_id = partner_records.account_id

),

ranked as (

    {{ account_mapping.ranked_records('checked', ['partner_id', 'account_id', 'contact_key'], [
        'email', 'job_title', 'notes',
    ]) | indent(4) }}

),

final as (

    select
        *,
        case
            when row_problem is not null then row_problem
            when record_state = 'older' then 'duplicate_contact'
        end as problem

    from ranked

)

select * from final
