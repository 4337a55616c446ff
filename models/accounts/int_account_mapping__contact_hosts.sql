with

contacts as (

    select * from {{ ref('int_account_mapping__contact_rows') }}
    where record_state = 'current'

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

listed_emails as (

    {{ account_mapping.explode_items(
        'contacts', 'emails', keep=['source_relation', 'source_contact_id', 'source_account_id']
    ) }}

),

-- Pipedrive keeps e-mails as objects
emails as (

    select
        source_relation,
        source_contact_id,
        source_account_id,
        {{ account_mapping.clean_text(
            account_mapping.object_field('item', ['value'], otherwise_itself=true)
        ) }} as email

    from listed_emails

),

final as (

    -- the survivor of a merge inherits its contacts
    select distinct
        account_ids.account_id,
        emails.source_contact_id,
        lower(split_part(emails.email, '@', 2)) as email_host

    from emails
    inner join account_ids
        on
            emails.source_relation = account_ids.source_relation
            and emails.source_account_id = account_ids.source_account_id
    where emails.email like '%_@_%'

)

select * from final
