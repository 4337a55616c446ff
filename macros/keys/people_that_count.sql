{% macro people_that_count() -%}
    {#- A query of the contacts by whom accounts are compared: those with an address of a company, and, where var
        account_mapping__people_free_mail asks for it, those with a mail provider's. -#}
    select distinct
        side,
        partner_id,
        account_id,
        contact_id,
        email,
        person_number,
        role
    from {{ ref('int_account_mapping__account_people') }}
    where email_kind in ('business'{{ ", 'free_mail'" if var('account_mapping__people_free_mail') }})
{%- endmacro %}
